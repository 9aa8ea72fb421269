"""What the three networks are trained on, and for how long: the numbers to change for another training."""

from __future__ import annotations

from dataclasses import dataclass

STEPS = {"vae": 2200, "base": 19000, "refiner": 1500}
"""of the autoencoder, of the base with its text encoders, and of the refiner"""


@dataclass(frozen=True)
class Bucket:
    """Pictures of one size: how many there are, how many make a batch, and their share of the steps.

    The share goes evenly from `first` at the beginning of the training to `last` at its end: small
    pictures teach most of it four times as fast, as SDXL's own training went up in size.
    """

    width: int
    height: int
    number: int
    batch: int
    first: float
    last: float

    @property
    def name(self) -> str:
        """For a file."""
        return f"{self.width}x{self.height}"

    def share(self, progress: float) -> float:
        """Of the steps at `progress` 0..1 of the training."""
        return self.first + (self.last - self.first) * progress


BUCKETS = {
    "base": (
        Bucket(128, 128, 8000, 32, 0.86, 0.26),
        Bucket(256, 256, 3200, 14, 0.06, 0.66),
        Bucket(192, 128, 300, 20, 0.04, 0.04),
        Bucket(128, 192, 300, 20, 0.04, 0.04),
    ),
    "refiner": (Bucket(128, 128, 3500, 32, 0.86, 0.86), Bucket(256, 256, 300, 8, 0.14, 0.14)),
}
