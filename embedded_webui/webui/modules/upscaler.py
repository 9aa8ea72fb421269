"""Doubles modules/upscaler.py: the upscalers that need no model."""

from __future__ import annotations

from dataclasses import dataclass, field

from PIL import Image

SCALE = 4


@dataclass
class Upscaler:
    """One way to enlarge a picture by interpolation; None leaves it as it is."""

    name: str
    resampling: int | None
    model_name: str | None = None
    scalers: list = field(default_factory=list)

    def upscale(self, img: Image.Image, scale, selected_model: str | None = None):
        """The picture enlarged by `scale`, sides rounded down to multiples of 8."""
        if self.resampling is None:
            return img
        size = tuple(int((side * scale) // 8 * 8) for side in img.size)
        return img.resize(size, resample=self.resampling)


@dataclass
class UpscalerData:
    """What the list of upscalers holds."""

    name: str
    scaler: Upscaler
    data_path: str | None = None
    local_data_path: str | None = None
    scale: int = SCALE
    model: str | None = None


def builtin_upscalers() -> list[UpscalerData]:
    """None, Lanczos, Nearest."""
    ways = {"None": None, "Lanczos": Image.Resampling.LANCZOS, "Nearest": Image.Resampling.NEAREST}
    return [UpscalerData(name, Upscaler(name, way)) for name, way in ways.items()]
