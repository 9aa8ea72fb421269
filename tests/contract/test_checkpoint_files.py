"""What the host's list of checkpoints tells of a file that was never loaded."""

from __future__ import annotations

import pytest
import safetensors.torch
import torch

from fooocus_ext.errors import RequestError


@pytest.fixture
def listed(session_host, tmp_path):
    """Puts a file with a header into the host's list, and takes it out again; gives its title."""
    sd_models = session_host.modules.sd_models
    before = dict(sd_models.checkpoints_list), dict(sd_models.checkpoint_aliases)

    def put(header):
        path = tmp_path / "listed.safetensors"
        safetensors.torch.save_file({"x": torch.zeros(1)}, path, metadata=header)
        info = sd_models.CheckpointInfo(str(path))
        info.register()
        return info.title

    yield put
    for kept, names in zip(
        before, (sd_models.checkpoints_list, sd_models.checkpoint_aliases), strict=True
    ):
        names.clear()
        names.update(kept)


@pytest.mark.parametrize(
    ("stated", "size"),
    [
        ("128x128", (128, 128)),
        ("1024x960", (1024, 960)),
        ("0x128", None),
        ("large", None),
        ('{"width": 128}', None),
        (None, None),
    ],
)
def test_a_file_states_the_size_of_its_pictures(listed, stated, size):
    from fooocus_ext.host.machine import checkpoints

    title = listed({} if stated is None else {"modelspec.resolution": stated})
    found = checkpoints.stated_size(title)
    assert (found and (found.width, found.height)) == size


def test_a_size_is_known_that_the_host_has_forgotten(listed, session_host):
    """reForge (November 2026) empties its own records of headers whenever it loads a model."""
    from fooocus_ext.host.machine import checkpoints

    title = listed({"modelspec.resolution": "128x128"})
    session_host.modules.sd_models.checkpoint_aliases[title].metadata = {}
    assert checkpoints.small_size(title) == {"width": 128, "height": 128}


@pytest.mark.parametrize("named", [None, ""])
def test_until_a_checkpoint_is_chosen_the_hosts_first_makes_the_pictures(host, monkeypatch, named):
    from fooocus_ext.args import Settings
    from fooocus_ext.host.http import services

    monkeypatch.setitem(host.modules.shared.opts.data, "sd_model_checkpoint", named)
    assert services._base_model("", Settings()) == host.modules.sd_models.select_checkpoint().title


def test_a_checkpoint_that_is_not_there_states_no_size(session_host):
    from fooocus_ext.host.machine import checkpoints

    assert session_host.modules.sd_models.checkpoint_aliases.get("gone.safetensors") is None
    assert checkpoints.stated_size("gone.safetensors") is None


def test_the_noise_schedule_stays_exact_where_weights_are_half_precision(host, monkeypatch):
    """The webui puts its schedule aside while it makes the model half; here on a CPU that has it so."""
    if not host.is_embedded:
        pytest.skip("a real webui on a CPU has no half precision")
    exact = host.modules.shared.sd_model.alphas_cumprod.clone()
    monkeypatch.setattr(host.modules.devices, "dtype_unet", torch.float16)
    host.use(host.checkpoints.second)
    model = host.modules.shared.sd_model
    assert next(model.model.parameters()).dtype == torch.float16
    assert torch.equal(model.alphas_cumprod, exact)


@pytest.mark.parametrize(
    ("typed", "is_meant"),
    [("lsitde", True), ("sub/LISTDE.ckpt", True), ("zzqq.safetensors", False)],
)
def test_a_mistyped_checkpoint_is_compared_by_its_bare_name(listed, session_host, typed, is_meant):
    """All have endings alike, and few type them."""
    from fooocus_ext.host.jobs import run
    from fooocus_ext.host.refiner import resident

    title = listed({})
    for find in (run._base_model, resident.find):
        with pytest.raises(RequestError) as refused:
            find(typed)
        suggestions, _, allowed = refused.value.detail.partition("; allowed: ")
        assert (f'(did you mean "{title}"' in suggestions) == is_meant
        assert ("did you mean" in suggestions) == is_meant
        assert title in allowed
