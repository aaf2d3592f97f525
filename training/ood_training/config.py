"""A training run's configuration: one TOML file = one run."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .data.mutation import Mutation
from .flows import FlowConfig


@dataclass
class TrainConfig:
    """Everything about a run except the hardware it happens to use."""

    name: str
    dataset: str
    flow: FlowConfig
    #: what makes this a background model; none for the semantic one.
    mutation: Mutation | None = None
    #: run beside this one (its best weights) or .ckpt file to start from, in place of the data-dependent initialisation.
    init: str | None = None
    #: with `init`: set the ActNorms anew from the data all the same, for data that are far from what the run has seen.
    init_norms: bool = False
    #: JSON file in the package whose `heldout` training images are never used.
    exclude: str | None = None
    validation: int = 2000
    batch: int = 128
    seed: int = 0
    steps: int = 20_000
    lr: float = 1e-3
    warmup: int = 200
    weight_decay: float = 1e-5
    betas: tuple[float, float] = (0.9, 0.99)
    clip: float = 1.0
    ema: float = 0.999
    #: images whose statistics initialise the ActNorms.
    init_images: int = 512
    tags: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def from_dict(values: dict) -> "TrainConfig":
        values = dict(values)
        values["flow"] = FlowConfig.from_dict(values["flow"])
        values["betas"] = tuple(values.get("betas", (0.9, 0.99)))
        if values.get("mutation") is not None:
            values["mutation"] = Mutation(**values["mutation"])
        return TrainConfig(**values)

    @staticmethod
    def read(path: str | Path) -> "TrainConfig":
        with open(path, "rb") as file:
            return TrainConfig.from_dict(tomllib.load(file))

    def to_dict(self) -> dict:
        return {
            **asdict(self), "betas": list(self.betas), "flow": self.flow.to_dict(),
            "mutation": self.mutation.to_dict() if self.mutation else None,
        }
