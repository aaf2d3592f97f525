"""A tabular run: a flow's or a diffusion's configuration plus the points it is trained on.

The points are made by TypeScript (`packages/datasets/scripts/export-manifold.ts`) and read as .npy, not generated again
in Python: a manifold's random projections and modes come from a seed, the random numbers of the two languages differ,
and a model has to be judged on the very manifold it was trained on.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from ..config import TrainConfig
from ..diffusion.config import DiffusionConfig


@dataclass
class Points:
    """Which points: the arguments of export-manifold.ts."""

    manifold: str
    n: int
    validation: int = 1000
    seed: int = 123
    #: "auto" is the benchmark's own rule for the name.
    standardize: str = "auto"

    def folder(self, runs: Path) -> Path:
        suffix = "" if self.standardize == "auto" else f"-standardize-{self.standardize}"
        return runs / "points" / f"{self.manifold}-{self.seed}-{self.n}{suffix}"

    def command(self, runs: Path) -> str:
        return (
            "npx tsx --conditions=@ood/source packages/datasets/scripts/export-manifold.ts "
            f"{self.manifold} {self.folder(runs)} --n {self.n} --validation {self.validation} "
            f"--seed {self.seed} --standardize {self.standardize}"
        )


@dataclass
class TabularConfig:
    kind: str
    points: Points
    #: deviation of the Gaussian noise added to every training row, drawn anew for every batch ("flow"). A density on a
    #: lower-dimensional set is unbounded; the noise bounds it, and the model's manifold is then this thick.
    noise: float
    model: TrainConfig | DiffusionConfig

    @property
    def name(self) -> str:
        return self.model.name

    @staticmethod
    def read(path: str | Path) -> "TabularConfig":
        with open(path, "rb") as file:
            values = tomllib.load(file)
        kind = values.pop("kind")
        points = Points(**values.pop("points"))
        noise = values.pop("noise", 0.0)
        values["dataset"] = points.manifold
        if kind == "flow":
            return TabularConfig(kind, points, noise, TrainConfig.from_dict(values))
        if kind == "diffusion":
            if noise:
                raise ValueError(f"noise: expected none for a diffusion, which adds its own, got {noise}")
            return TabularConfig(kind, points, noise, DiffusionConfig.from_dict(values))
        raise ValueError(f"kind: expected flow or diffusion, got {kind}")
