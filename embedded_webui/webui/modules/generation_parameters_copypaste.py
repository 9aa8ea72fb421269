"""The old name of `modules.infotext_utils`; importing it gives that module, as in the host."""

from __future__ import annotations

from modules import infotext_utils  # noqa: F401 - registers itself under this name as well
