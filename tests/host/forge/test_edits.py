"""Parts of pictures, which the adapter does not make anew: refused before a job waits, and by a job."""

from __future__ import annotations

import pytest
from PIL import Image

from fooocus_ext.args import Settings
from fooocus_ext.edit import Edit
from fooocus_ext.errors import RequestError

REFUSED = r'^mode: got "detail"; allowed on this webui: "vary" and "upscale", as it blends masked'


def test_an_edit_is_refused_before_it_waits_whatever_its_mask(webui):
    task, host = webui.adapter("edit.task"), webui.adapter("forge.family").HOST
    asked = task.Task(Edit(mode="detail"), Image.new("RGB", (64, 64)))
    with pytest.raises(RequestError, match=REFUSED):
        asked.check(host)


def test_a_request_that_edits_is_refused_and_another_is_not(webui):
    task, host = webui.adapter("edit.task"), webui.adapter("forge.family").HOST
    p, generation = webui.request(Settings(enabled=True))
    assert host.editing(p, generation) is None
    task.ask_for(p, Edit(mode="detail"), None)
    with pytest.raises(RequestError, match=REFUSED):
        host.editing(p, generation)
