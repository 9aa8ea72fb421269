"""Doubles modules/options.py: OptionInfo and the Options object behind `shared.opts`."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, ClassVar

import gradio as gr

from modules import errors
from modules.shared_cmd_options import cmd_opts

BUILTIN_FIELDS = frozenset(("data_labels", "data", "restricted_opts", "typemap"))


class OptionInfo:
    """One setting: its default, its label and how the settings page shows it."""

    def __init__(
        self,
        default=None,
        label="",
        component=None,
        component_args=None,
        onchange=None,
        section=None,
        refresh=None,
        comment_before="",
        comment_after="",
        infotext=None,
        restrict_api=False,
        category_id=None,
    ):
        self.default = default
        self.label = label
        self.component = component
        self.component_args = component_args
        self.onchange = onchange
        self.section = section
        self.category_id = category_id
        self.refresh = refresh
        self.do_not_save = False
        self.comment_before = comment_before
        self.comment_after = comment_after
        self.infotext = infotext
        self.restrict_api = restrict_api

    def info(self, info):
        """Add a remark after the label."""
        return self.html(f"<span class='info'>({info})</span>")

    def html(self, html):
        """Add HTML after the label."""
        self.comment_after += html
        return self


class OptionHTML(OptionInfo):
    """A text on the settings page; holds no value."""

    def __init__(self, text):
        super().__init__(
            str(text).strip(),
            label="",
            component=lambda **kwargs: gr.HTML(elem_classes="settings-info", **kwargs),
        )
        self.do_not_save = True


def options_section(section_identifier, options_dict):
    """Put every option of the dict into one section: (id, label) or (id, label, category id)."""
    for info in options_dict.values():
        info.section = section_identifier[:2]
        if len(section_identifier) == 3:
            info.category_id = section_identifier[2]
    return options_dict


def _names(text: str | None) -> set[str]:
    return {part.strip() for part in text.split(",")} if text else set()


class Options:
    """The settings: attributes read `data`, then the option's default; writing honours the freeze flags."""

    typemap: ClassVar[dict[type, type]] = {int: float}

    def __init__(self, data_labels: dict[str, OptionInfo], restricted_opts):
        self.data_labels = data_labels
        self.data = {key: info.default for key, info in data_labels.items() if not info.do_not_save}
        self.restricted_opts = restricted_opts

    def __setattr__(self, key, value):
        if key in BUILTIN_FIELDS or (key not in self.data and key not in self.data_labels):
            object.__setattr__(self, key, value)
            return
        info = self.data_labels.get(key)
        if info is None or not info.do_not_save:
            self._refuse_frozen(key, info)
            self.data[key] = value

    def _refuse_frozen(self, key: str, info: OptionInfo | None) -> None:
        assert not cmd_opts.freeze_settings, "changing settings is disabled"
        arguments = info.component_args if info else None
        if isinstance(arguments, dict) and arguments.get("visible", True) is False:
            raise RuntimeError(f"not possible to set '{key}' because it is restricted")
        if info and info.section:
            frozen = info.section[0] in _names(cmd_opts.freeze_settings_in_sections)
            assert not frozen, f"not possible to set '{key}': its section is frozen"
        assert key not in _names(cmd_opts.freeze_specific_settings), (
            f"not possible to set '{key}': it is frozen"
        )
        if cmd_opts.hide_ui_dir_config and key in self.restricted_opts:
            raise RuntimeError(
                f"not possible to set '{key}' because it is restricted with --hide_ui_dir_config"
            )

    def __getattr__(self, item):
        if item in BUILTIN_FIELDS:
            return object.__getattribute__(self, item)
        if item in self.data:
            return self.data[item]
        if item in self.data_labels:
            return self.data_labels[item].default
        raise AttributeError(f"'Options' object has no attribute {item!r}")

    def set(self, key, value, is_api=False, run_callbacks=True):
        """Set an option; True if it changed. Raises KeyError for an unknown key."""
        old = self.data.get(key)
        if old == value:
            return False
        option = self.data_labels[key]
        if option.do_not_save or (is_api and option.restrict_api):
            return False
        try:
            setattr(self, key, value)
        except RuntimeError:
            return False
        if run_callbacks and option.onchange is not None:
            try:
                option.onchange()
            except Exception as e:
                errors.display(e, f"changing setting {key} to {value}")
                setattr(self, key, old)
                return False
        return True

    def get_default(self, key):
        """The default of an option, None for an unknown one."""
        info = self.data_labels.get(key)
        return None if info is None else info.default

    def save(self, filename):
        """Write all values as JSON."""
        assert not cmd_opts.freeze_settings, "saving settings is disabled"
        os.makedirs(os.path.dirname(os.path.abspath(filename)), exist_ok=True)
        with open(filename, "w", encoding="utf8") as file:
            json.dump(self.data, file, indent=4, ensure_ascii=False)

    def load(self, filename):
        """Read values written by `save`.

        A missing file means no values, a broken one is reported and ignored.
        """
        try:
            with open(filename, encoding="utf8") as file:
                self.data = json.load(file)
        except FileNotFoundError:
            self.data = {}
        except ValueError:
            errors.report(f"Could not load settings from {filename}", exc_info=True)
            self.data = {}
        for key, value in self.data.items():
            info = self.data_labels.get(key)
            if info is not None and not self.same_type(info.default, value):
                print(f"Warning: bad setting value: {key}: {value!r}", file=sys.stderr)

    def same_type(self, x: Any, y: Any) -> bool:
        """True if both values have one type, an int counting as a float and None as anything."""
        if x is None or y is None:
            return True
        return self.typemap.get(type(x), type(x)) == self.typemap.get(type(y), type(y))

    def onchange(self, key, func, call=True):
        """Call `func` whenever the option changes, and now if `call`."""
        self.data_labels[key].onchange = func
        if call:
            func()

    def dumpjson(self):
        """What the page's JavaScript gets as `opts`."""
        values = {key: self.data.get(key, info.default) for key, info in self.data_labels.items()}
        labels = self.data_labels.items()
        values["_comments_before"] = {
            k: v.comment_before for k, v in labels if v.comment_before is not None
        }
        values["_comments_after"] = {
            k: v.comment_after for k, v in labels if v.comment_after is not None
        }
        values["_categories"] = []
        return json.dumps(values)

    def add_option(self, key, info):
        """Register an extension's option; its default becomes the value unless one was saved."""
        self.data_labels[key] = info
        if key not in self.data and not info.do_not_save:
            self.data[key] = info.default

    def reorder(self):
        """Keep the options of one section together."""
        self.data_labels = dict(
            sorted(self.data_labels.items(), key=lambda item: str(item[1].section))
        )

    def cast_value(self, key, value):
        """`value` in the type of the option's default; None stays None."""
        if value is None:
            return None
        default = self.data_labels[key].default
        if default is None:
            default = getattr(self, key, None)
        if default is None:
            return None
        if isinstance(default, bool) and value == "False":
            return False
        return type(default)(value)
