"""A PixelCNN++ run's configuration: one TOML file = one run."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..data.mutation import Mutation
from .pixelcnn import PixelCnnConfig


@dataclass
class PixelCnnRun:
    """Everything about a run except the hardware it happens to use."""

    name: str
    dataset: str
    net: PixelCnnConfig
    #: what makes this a background model; none for the semantic one.
    mutation: Mutation | None = None
    #: JSON file in the package whose `heldout` training images are never used.
    exclude: str | None = None
    validation: int = 2000
    batch: int = 16
    seed: int = 0
    steps: int = 60_000
    lr: float = 1e-3
    warmup: int = 200
    #: weight of the squared direction kernels in the loss (nats per image).
    l2: float = 0.0
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.99)
    clip: float = 1.0
    ema: float = 0.999
    #: images whose statistics initialise the weight norms.
    init_images: int = 128
    tags: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def from_dict(values: dict) -> "PixelCnnRun":
        values = dict(values)
        values["net"] = PixelCnnConfig.from_dict(values["net"])
        values["betas"] = tuple(values.get("betas", (0.9, 0.99)))
        if values.get("mutation") is not None:
            values["mutation"] = Mutation(**values["mutation"])
        return PixelCnnRun(**values)

    @staticmethod
    def read(path: str | Path) -> "PixelCnnRun":
        with open(path, "rb") as file:
            return PixelCnnRun.from_dict(tomllib.load(file))

    def to_dict(self) -> dict:
        return {
            **asdict(self), "betas": list(self.betas), "net": self.net.to_dict(),
            "mutation": self.mutation.to_dict() if self.mutation else None,
        }
