"""Which webuis may take part, and who may be asked at all."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.bulk.stubs import bulk, journal, made_by_stubs, stubs, write_list


@pytest.fixture
def listing(tmp_path):
    requests = [{"prompt": f"picture {i}", "seed": i} for i in range(20)]
    return write_list(tmp_path / "list.jsonl", requests)


def makers(out) -> set[str]:
    return {record["host"] for record in journal(out)}


def test_another_checkpoint_is_refused_and_both_hashes_are_named(tmp_path, listing):
    with stubs(tmp_path / "made", {"seconds": 0.05}, {"model_hash": "9999999999"}) as running:
        done = bulk(listing, tmp_path / "out", running)
        assert done.returncode == 0, done.stderr
        assert makers(tmp_path / "out") == {running[0].url}
    assert f"{running[1].url} is left out: has loaded stub with the hash 9999999999" in done.stderr
    assert "abcdef0123" in done.stderr


def test_a_later_run_in_the_folder_keeps_to_its_checkpoint(tmp_path, listing):
    out = tmp_path / "out"
    with stubs(tmp_path / "made", {}) as running:
        assert bulk(listing, out, running).returncode == 0
    longer = write_list(tmp_path / "longer.jsonl", [{"prompt": "one more", "seed": 7}])
    with stubs(tmp_path / "other", {"model_hash": "9999999999"}) as running:
        done = bulk(longer, out, running)
    assert done.returncode == 3
    assert "with which this folder was begun" in done.stderr


def test_another_version_of_the_extension_is_refused(tmp_path, listing):
    with stubs(tmp_path / "made", {"seconds": 0.05}, {"version": "0.0.9"}) as running:
        done = bulk(listing, tmp_path / "out", running)
        assert makers(tmp_path / "out") == {running[0].url}
    assert "has version 0.0.9 of the extension" in done.stderr


@pytest.mark.parametrize("flags", [(), ("--strict",)])
def test_other_pixels_are_told_and_with_strict_refused(tmp_path, listing, flags):
    with stubs(tmp_path / "made", {"seconds": 0.05}, {"seconds": 0.05, "shade": 1}) as running:
        done = bulk(listing, tmp_path / "out", running, *flags)
        assert done.returncode == 0, done.stderr
        expected = [running[0].url] if flags else [stub.url for stub in running]
        assert makers(tmp_path / "out") == set(expected)
    assert "makes other pixels of the same request" in done.stderr


def test_a_wrong_password_ends_the_run_and_the_right_one_is_written_nowhere(tmp_path, listing):
    secret, out = tmp_path / "secret", tmp_path / "out"
    secret.write_text("ann:wrong\n", encoding="utf-8")
    with stubs(tmp_path / "made", {"auth": "ann:right"}) as running:
        done = bulk(listing, out, running, "--auth-file", str(secret))
        assert done.returncode == 3
        assert "Incorrect username or password" in done.stderr
        secret.write_text(f"{running[0].url} ann:right\n", encoding="utf-8")
        done = bulk(listing, out, running, "--auth-file", str(secret))
        assert done.returncode == 0, done.stderr
    texts = [path.read_bytes() for path in out.iterdir() if path.is_file()]
    assert not [text for text in texts if b"ann:right" in text or b"YW5u" in text]


def test_a_certificate_of_nobodys_is_refused_unless_it_is_named(tmp_path, listing):
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    certificate = tmp_path / "certificate.pem"
    wanted = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=stub -addext subjectAltName=IP:127.0.0.1"
    files = ["-keyout", tmp_path / "key", "-out", tmp_path / "cert"]
    subprocess.run(["openssl", *wanted.split(), *files], check=True, capture_output=True)
    certificate.write_bytes((tmp_path / "key").read_bytes() + (tmp_path / "cert").read_bytes())
    with stubs(tmp_path / "made", {"certificate": str(certificate)}) as running:
        done = bulk(listing, tmp_path / "out", running)
        assert done.returncode == 3
        assert "CERTIFICATE_VERIFY_FAILED" in done.stderr
        done = bulk(listing, tmp_path / "out", running, "--ca", str(tmp_path / "cert"))
        assert done.returncode == 0, done.stderr


def test_names_are_not_checked_by_a_list_that_a_webui_does_not_have(tmp_path):
    """A1111 has /sdapi/v1/schedulers since 1.9, and the extension works from 1.6 on."""
    listing = write_list(tmp_path / "list.jsonl", [{"prompt": "a", "scheduler": "Karras"}])
    with stubs(tmp_path / "made", {"lacks": ["/sdapi/v1/schedulers"]}) as running:
        done = bulk(listing, tmp_path / "out", running)
        assert done.returncode == 0, done.stderr


def test_a_dry_run_asks_the_webuis_and_makes_nothing(tmp_path, listing):
    with stubs(tmp_path / "made", {}, {"version": "0.0.9"}) as running:
        done = bulk(listing, tmp_path / "out", running, "--dry-run")
        assert done.returncode == 3
        assert bulk(listing, tmp_path / "out", running[:1], "--dry-run").returncode == 0
        assert bulk(listing, tmp_path / "out", [], "--dry-run").returncode == 0
    assert f"{running[0].url}: ready" in done.stderr
    assert f"{running[1].url}: out has version 0.0.9" in done.stderr
    assert made_by_stubs(tmp_path / "made").total() == 0
    assert not (tmp_path / "out").exists()
