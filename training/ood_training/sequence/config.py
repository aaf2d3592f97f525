"""A sequence model's configuration: one TOML file = one run."""

from __future__ import annotations

import shlex
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..data.mutation import Mutation
from .lstm import LstmConfig


@dataclass
class Genomes:
    """What makes the synthetic sequences; every number is passed on to their generator."""

    seed: int = 1
    train: int = 200_000
    validation: int = 5_000
    test: int = 5_000
    #: further options of the generator, by their names on its command line.
    law: dict[str, str] = field(default_factory=dict)

    def folder(self, runs: Path) -> Path:
        extra = "".join(f"-{key}-{value}" for key, value in sorted(self.law.items()))
        return runs / f"genomes-{self.seed}-{self.train}{extra}"

    def command(self, runs: Path) -> str:
        """The command that writes them (from the repository root)."""
        sizes = {"train": self.train, "validation": self.validation, "test": self.test, "seed": self.seed, **self.law}
        words = [word for key, value in sizes.items() for word in (f"--{key}", str(value))]
        return shlex.join([
            "npx", "tsx", "--conditions=@ood/source", "packages/datasets/scripts/export-genomes.ts",
            str(self.folder(runs)), *words,
        ])


@dataclass
class SequenceRun:
    """Everything about a run except the hardware it happens to use."""

    name: str
    net: LstmConfig
    genomes: Genomes
    dataset: str = "genomes-synthetic"
    #: what makes this a background model; none for the semantic one.
    mutation: Mutation | None = None
    #: at most this many training sequences of the file; all when absent.
    limit: int | None = None
    #: validation sequences that are scored during training.
    validation: int = 1000
    batch: int = 100
    seed: int = 0
    steps: int = 60_000
    lr: float = 5e-4
    warmup: int = 100
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    clip: float = 1.0
    ema: float = 0.999
    tags: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def from_dict(values: dict) -> "SequenceRun":
        values = dict(values)
        values["net"] = LstmConfig(**values["net"])
        values["genomes"] = Genomes(**values.get("genomes", {}))
        values["betas"] = tuple(values.get("betas", (0.9, 0.999)))
        if values.get("mutation") is not None:
            mutation = Mutation(**values["mutation"])
            if mutation.value_range[1] != values["net"].vocabulary - 1:
                raise ValueError(
                    f"mutation.value_range: expected [0, {values['net'].vocabulary - 1}], the tokens of the model, "
                    f"got {list(mutation.value_range)}"
                )
            values["mutation"] = mutation
        return SequenceRun(**values)

    @staticmethod
    def read(path: str | Path) -> "SequenceRun":
        with open(path, "rb") as file:
            return SequenceRun.from_dict(tomllib.load(file))

    def to_dict(self) -> dict:
        return {
            **asdict(self), "betas": list(self.betas), "net": self.net.to_dict(),
            "mutation": self.mutation.to_dict() if self.mutation else None,
        }
