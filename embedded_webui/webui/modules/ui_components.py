"""Widgets of the page; doubles the host's `modules/ui_components.py`."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

import gradio as gr

_numbers = itertools.count()


class FormComponent:
    """Makes a widget sit inside gradio's forms, without a frame of its own."""

    block_name: ClassVar[str]

    def get_expected_parent(self) -> type:
        """The container that gradio is to wrap this widget in."""
        return gr.components.Form

    def get_block_name(self) -> str:
        """The name by which gradio's front end knows what to draw."""
        return self.block_name


# Dropdowns beside a ToolButton would otherwise be framed apart from it.
gr.Dropdown.get_expected_parent = FormComponent.get_expected_parent


class ToolButton(FormComponent, gr.Button):
    """A small button with one symbol."""

    block_name = "button"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        classes = ["tool", *(kwargs.pop("elem_classes", None) or [])]
        super().__init__(*args, elem_classes=classes, **kwargs)


class ResizeHandleRow(gr.Row):
    """Two columns; the host puts a handle between them, this one does not."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.elem_classes.append("resize-handle-row")

    def get_block_name(self) -> str:
        """The name by which gradio's front end knows what to draw."""
        return "row"


class FormRow(FormComponent, gr.Row):
    """`gr.Row` for forms."""

    block_name = "row"


class FormGroup(FormComponent, gr.Group):
    """`gr.Group` for forms."""

    block_name = "group"


class FormHTML(FormComponent, gr.HTML):
    """`gr.HTML` for forms."""

    block_name = "html"


class DropdownMulti(FormComponent, gr.Dropdown):
    """A dropdown of which several choices may hold."""

    block_name = "dropdown"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(multiselect=True, **kwargs)


class InputAccordion(gr.Checkbox):
    """An accordion that is also an input: True while it is open.

    The input is a hidden checkbox; `inputAccordion.js` keeps it and the accordion alike.  Widgets
    made inside `with InputAccordion(...) as enabled:` go into the accordion.
    """

    def __init__(self, value: bool, **kwargs: Any) -> None:
        self.accordion_id = kwargs.get("elem_id") or f"input-accordion-{next(_numbers)}"
        hidden = {**kwargs, "elem_id": f"{self.accordion_id}-checkbox", "visible": False}
        super().__init__(value, **hidden)
        script = f'function(checked){{ inputAccordionChecked("{self.accordion_id}", checked); }}'
        self.change(fn=None, _js=script, inputs=[self])
        shown = {
            "label": "Accordion",
            **kwargs,
            "elem_id": self.accordion_id,
            "elem_classes": ["input-accordion"],
            "open": value,
        }
        self.accordion = gr.Accordion(**shown)

    def extra(self) -> gr.Column:
        """A place in the accordion's title line."""
        return gr.Column(
            elem_id=f"{self.accordion_id}-extra",
            elem_classes="input-accordion-extra",
            min_width=0,
        )

    def __enter__(self) -> InputAccordion:  # noqa: PYI034 - the name is enough here
        self.accordion.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self.accordion.__exit__(*exception)

    def get_block_name(self) -> str:
        """The name by which gradio's front end knows what to draw."""
        return "checkbox"
