"""The tab's gallery: stored pictures as Gradio shows them, pictures in memory never on disk; both Gradios."""

from __future__ import annotations

import importlib
import sys

import pytest

from tests.ui import gradio_4

STORED, IN_MEMORY = "/served/a.png", "data:image/png;base64,AAAA"
MODULES = ("fooocus_ext.ui.tab.gallery", "fooocus_ext.ui.tab.gallery_of_gradio_4")


@pytest.fixture
def gallery(monkeypatch):
    """The gallery on Gradio 4."""
    gradio_4.Gallery.files_written.clear()
    for name, module in gradio_4.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module(MODULES[0]).picture_gallery(elem_id="pictures")
    for name in MODULES:
        sys.modules.pop(name, None)


def shown(gallery, pictures):
    """What the page is told to show."""
    return gradio_4.on_its_way(gallery.postprocess(pictures).model_dump())


def read(gallery, entries):
    """What a function is given for entries that come from the page."""
    return gallery.preprocess(gallery.data_model(root=gradio_4.on_its_way(entries)))


def test_nobody_can_put_pictures_in(gallery):
    assert (gallery.elem_id, gallery.interactive) == ("pictures", False)


def test_the_page_knows_it_as_gradios_own_and_nothing_is_written(gallery):
    assert gallery.is_template
    assert gradio_4.Gallery.files_written == []


def test_stored_pictures_are_served_and_others_carry_themselves(gallery):
    stored, in_memory = shown(gallery, [STORED, IN_MEMORY])
    assert stored["image"]["url"] == f"/file={STORED}"
    assert in_memory["image"]["url"] == IN_MEMORY
    assert in_memory["image"]["path"] is None
    assert shown(gallery, None) == []


def test_what_comes_back_is_what_the_hosts_functions_read(gallery):
    entries = shown(gallery, [STORED, IN_MEMORY])
    assert read(gallery, entries) == [{"name": STORED, "is_file": True}, IN_MEMORY]
    assert gallery.preprocess(None) == []


@pytest.mark.parametrize("url", ["/file=/etc/passwd", None, 5])
def test_only_a_data_address_stands_for_a_picture_without_a_path(gallery, url):
    assert read(gallery, [{"image": {"path": None, "url": url}, "caption": None}]) == [None]


def test_a_path_that_gradio_does_not_serve_is_refused(gallery):
    with pytest.raises(ValueError, match="upload folder"):
        read(gallery, [{"image": {"path": "/etc/passwd", "url": IN_MEMORY}, "caption": None}])


def test_gradio_3_shows_and_reads_pictures_in_memory():
    from fooocus_ext.ui.tab.gallery import picture_gallery

    built = picture_gallery(elem_id="pictures")
    [entry] = built.postprocess([IN_MEMORY])
    assert entry == {"name": "", "data": IN_MEMORY, "is_file": False}
    stored = {"name": STORED, "data": None, "is_file": True}
    assert built.preprocess([entry, stored]) == [IN_MEMORY, stored]
