"""The kinds of arrays that the wind tunnel hands about."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""pictures, [N,H,W,3] or one of them"""
Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]
"""[H,W]"""
