"""The engine's files: what is read of good ones, and what is said of broken and of hostile ones."""

from __future__ import annotations

import io
import math
import pickle
import tarfile
import zipfile
from types import SimpleNamespace

import pytest
import torch

from fooocus_ext.errors import RequestError
from tests import inpaint_files

SHAPES = {"time_embed.0.weight": torch.Size([6, 4]), "out.2.bias": torch.Size([4])}


@pytest.fixture
def files(load_host_module, tmp_path):
    """The module, with its folder in ``tmp_path``."""
    paths = SimpleNamespace(models_path=str(tmp_path))
    module = load_host_module("inpaint_engine/files", paths=paths)
    module.folder().mkdir()
    return module


def written(files, content, name=inpaint_files.PATCH):
    path = files.folder() / name
    torch.save(content, path)
    return path


def test_a_patch_is_read_as_levels_and_their_range(files):
    content = inpaint_files.patch(SHAPES)
    found = files.read_patch(written(files, content), SHAPES)
    assert set(found) == set(SHAPES)
    for name, delta in found.items():
        levels, least, most = content[f"diffusion_model.{name}"]
        assert torch.equal(delta.levels, levels)
        assert (delta.least, delta.most) == (float(least), float(most))


def test_what_the_unet_has_not_got_is_left_out(files):
    content = inpaint_files.patch({**SHAPES, "elsewhere.weight": torch.Size([2])})
    assert set(files.read_patch(written(files, content), SHAPES)) == set(SHAPES)


def test_a_head_is_read(files):
    content = inpaint_files.head()
    path = written(files, content, inpaint_files.HEAD)
    assert torch.equal(files.read_head(path), content["head"].float())


def test_the_best_patch_that_is_there_is_found_and_what_is_missing_is_told(files):
    v26, head = inpaint_files.PATCH, inpaint_files.HEAD
    assert files.best() == v26
    told = files.missing(head, v26)
    where = f"{files.folder().parent.name}/inpaint"
    assert all(part in told for part in (head, "52 kB", v26, "1.3 GB", where))
    assert str(files.folder()) not in told  # it goes into infotexts, which tell no user's folders
    for name in ("inpaint.fooocus.patch", "inpaint_v25.fooocus.patch"):
        (files.folder() / name).touch()
        assert files.best() == name
    (files.folder() / v26).touch()
    (files.folder() / head).touch()
    assert files.best() == v26
    assert files.missing(head, v26) == ""


class Evil:
    """Runs code when it is unpickled as usual."""

    ran = False

    def __reduce__(self):
        return setattr, (Evil, "ran", True)


def entry(**changes):
    """Return a patch of which one weight is different."""
    content = inpaint_files.patch(SHAPES)
    levels, least, most = content["diffusion_model.out.2.bias"]
    values = {"levels": levels, "least": least, "most": most, **changes}
    content["diffusion_model.out.2.bias"] = tuple(values.values())
    return content


BAD = {
    "runs code": ({"diffusion_model.out.2.bias": Evil()}, "more than plain"),
    "another shape": (entry(levels=torch.zeros(5, dtype=torch.uint8)), r"out\.2\.bias is \[5\]"),
    "stretched": (entry(levels=torch.zeros(1, dtype=torch.uint8).expand(1 << 40)), "out.2.bias is"),
    "no bytes": (entry(levels=torch.zeros(4)), "not in 8 bits"),
    "NaN": (entry(least=torch.tensor(math.nan)), "range of out.2.bias"),
    "infinite": (entry(most=math.inf), "range of out.2.bias"),
    "upside down": (entry(least=1.0, most=0.0), "range of out.2.bias"),
    "text for a bound": (entry(most="1"), "range of out.2.bias"),
    "two values": ({"diffusion_model.out.2.bias": (torch.zeros(4), 0.0)}, "not three values"),
    "another model's": (
        inpaint_files.patch(dict.fromkeys("abcde", torch.Size([1]))),
        "5 of its 5 weights",
    ),
    "empty": ({}, "no patch"),
    "a list": ([1, 2], "no patch"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_patch_is_refused_by_its_name(files, case):
    content, words = BAD[case]
    path = written(files, content)
    with pytest.raises(RequestError, match=words) as caught:
        files.read_patch(path, SHAPES)
    assert str(path) in caught.value.detail
    assert not Evil.ran


@pytest.mark.parametrize(
    "content",
    [
        {"head": torch.zeros(64, 5, 3)},
        {"head": torch.full((64, 5, 3, 3), math.nan)},
        {"head": torch.zeros(64, 5, 3, 3, dtype=torch.uint8)},
        {"tail": torch.zeros(64, 5, 3, 3)},
        {"head": Evil()},
    ],
)
def test_a_wrong_head_is_refused_by_its_name(files, content):
    path = written(files, content, inpaint_files.HEAD)
    with pytest.raises(RequestError, match="fooocus_inpaint_head"):
        files.read_head(path)
    assert not Evil.ran


def cut_off(good):
    return good[: len(good) // 2]


def bare_pickle(_good):
    return pickle.dumps(Evil())


def older_form(_good):
    stream = io.BytesIO()
    torch.save(inpaint_files.patch(SHAPES), stream, _use_new_zipfile_serialization=False)
    return stream.getvalue()


def tar(_good):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("storages"), io.BytesIO())
    return stream.getvalue()


def compressed(good):
    """Return an archive of zeros that is a thousandth of what it unpacks to."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(good)) as archive,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for name in archive.namelist():
            bomb.writestr(name, archive.read(name))
    return stream.getvalue()


def script(good):
    stream = io.BytesIO(good)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("archive/constants.pkl", b"")
        archive.writestr("archive/code/model.py", b"")
    return stream.getvalue()


@pytest.mark.parametrize(
    "broken",
    [cut_off, bare_pickle, older_form, tar, compressed, script, lambda _: b"", lambda _: b"PK\3\4"],
)
def test_a_file_of_another_form_is_refused_by_its_name(files, broken):
    path = written(files, inpaint_files.patch(SHAPES))
    path.write_bytes(broken(path.read_bytes()))
    with pytest.raises(RequestError, match="inpaint_v26"):
        files.read_patch(path, SHAPES)
    assert not Evil.ran
