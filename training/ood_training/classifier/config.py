"""A classifier run's configuration: one TOML file = one run."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass
class ClassifierConfig:
    """Everything about a run except the hardware it happens to use."""

    name: str
    dataset: str
    shape: tuple[int, int, int] = (1, 28, 28)
    classes: int = 10
    #: channels of the 3x3 convolutions.
    widths: tuple[int, ...] = (16, 32, 64)
    features: int = 64
    #: images are shifted by up to this many pixels.
    shift: int = 1
    validation: int = 2000
    exclude: str | None = None
    batch: int = 64
    seed: int = 0
    steps: int = 4500
    lr: float = 3e-3
    warmup: int = 100
    weight_decay: float = 5e-4
    betas: tuple[float, float] = (0.9, 0.99)
    clip: float = 1.0
    ema: float = 0.99

    @staticmethod
    def from_dict(values: dict) -> "ClassifierConfig":
        values = dict(values)
        for name in ("shape", "widths", "betas"):
            if name in values:
                values[name] = tuple(values[name])
        return ClassifierConfig(**values)

    @staticmethod
    def read(path: str | Path) -> "ClassifierConfig":
        with open(path, "rb") as file:
            return ClassifierConfig.from_dict(tomllib.load(file))

    def to_dict(self) -> dict:
        return {**asdict(self), "shape": list(self.shape), "widths": list(self.widths), "betas": list(self.betas)}
