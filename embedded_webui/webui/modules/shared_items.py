"""Doubles modules/shared_items.py.

Things that `shared` gives out lazily, its `sd_model` property included.
"""

from __future__ import annotations

import sys


def list_checkpoint_tiles(use_short=False):
    """Titles of all known checkpoints."""
    import modules.sd_models

    return modules.sd_models.checkpoint_tiles(use_short)


def refresh_checkpoints():
    """Search for checkpoints again."""
    import modules.sd_models

    return modules.sd_models.list_models()


def list_samplers():
    """All samplers."""
    import modules.sd_samplers

    return modules.sd_samplers.all_samplers


class Shared(sys.modules[__name__].__class__):
    """Gives `modules.shared` its `sd_model` property, which loads the model when it is first read."""

    sd_model_val = None

    @property
    def sd_model(self):
        import modules.sd_models

        return modules.sd_models.model_data.get_sd_model()

    @sd_model.setter
    def sd_model(self, value):
        import modules.sd_models

        modules.sd_models.model_data.set_sd_model(value)


sys.modules["modules.shared"].__class__ = Shared
