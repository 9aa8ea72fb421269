"""The old name of `modules.infotext_utils`, kept as the host keeps it: importing it gives that module."""
from __future__ import annotations

from modules import infotext_utils  # noqa: F401 - registers itself under this name as well
