"""Private jobs leave no prompt in the webui's params.txt, also where it has no flag for it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest


@pytest.fixture
def load(load_host_module, tmp_path):
    def with_flags(**flags):
        return load_host_module(
            "jobs/prompt_history",
            paths=SimpleNamespace(data_path=str(tmp_path)),
            shared=SimpleNamespace(cmd_opts=SimpleNamespace(**flags)),
        )

    return with_flags


def fail_in(history, act):
    """Run a job that does ``act`` and then fails."""
    with history.untouched():
        act()
        raise RuntimeError


@pytest.mark.parametrize("before", [False, True])
def test_the_flag_is_set_for_the_job_alone(load, before):
    history = load(no_prompt_history=before)
    flags = history.shared.cmd_opts
    seen = []
    with pytest.raises(RuntimeError):
        fail_in(history, lambda: seen.append(flags.no_prompt_history))
    assert seen == [True]
    assert flags.no_prompt_history is before


@pytest.mark.parametrize("before", [None, "an earlier prompt"])
def test_without_a_flag_the_file_is_put_back(load, tmp_path, before):
    file = tmp_path / "params.txt"
    if before is not None:
        file.write_text(before, encoding="utf-8")
    with pytest.raises(RuntimeError):
        fail_in(load(), lambda: file.write_text("a private prompt", encoding="utf-8"))
    assert (file.read_text(encoding="utf-8") if file.exists() else None) == before
