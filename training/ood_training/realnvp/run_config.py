"""A run's configuration: one TOML file = one run."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..data.mutation import Mutation
from .config import ModelConfig

OPTIMIZERS = ("adam", "rmsprop", "adamw")
SCHEDULES = ("constant", "anneal", "cosine")


@dataclass
class Negative:
    """Negative training: push log p of another set down until it is below `threshold` nats (paper, appendix B)."""

    dataset: str
    threshold: float

    def __post_init__(self) -> None:
        if not self.threshold < 0:
            raise ValueError(f"negative.threshold: expected a negative log-likelihood in nats, got {self.threshold}")


@dataclass
class RunConfig:
    """Everything about a run except the hardware it happens to use."""

    name: str
    dataset: str
    model: ModelConfig
    negative: Negative | None = None
    #: what makes this a background model of a likelihood ratio; none for the semantic one.
    mutation: Mutation | None = None
    #: data sets whose likelihoods are recorded while training.
    ood: list[str] = field(default_factory=list)
    #: run beside this one, or .ckpt file, whose weights it starts from.
    init: str | None = None
    #: JSON file in the package whose `heldout` training images are never used.
    exclude: str | None = None
    #: training rows kept for validation, from the end.
    validation: int = 2000
    batch: int = 32
    seed: int = 0
    #: length of the run: `epochs` of the data, or `steps` when that is given.
    epochs: int = 100
    steps: int = 0
    optimizer: str = "adam"
    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    #: "anneal": factor 1 up to 80 % of the epochs, 0.5 up to 90 %, then 0.25; "cosine": warm-up, then down to 1 %.
    schedule: str = "constant"
    warmup: int = 0
    weight_decay: float = 5e-5
    #: largest norm of the gradient of each parameter group.
    clip: float = 100.0
    #: decay of the average of the weights; 0 keeps the last weights.
    ema: float = 0.0
    #: random crops with padding 4 and, for colour, mirror images.
    augment: bool = False
    #: a checkpoint that stays, every so many epochs; 0 keeps the last and the best only.
    save_every: int = 0
    #: samples drawn into a picture after every epoch; 0 draws none.
    samples: int = 0
    #: rows of each set whose likelihood is recorded while training; 0 is all.
    monitored_rows: int = 1000
    #: rows that ActNorm starts from.
    init_rows: int = 512
    tags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value, known in (
            ("optimizer", self.optimizer, OPTIMIZERS), ("schedule", self.schedule, SCHEDULES),
        ):
            if value not in known:
                raise ValueError(f"{name}: expected one of {', '.join(known)}, got {value}")
        if self.mutation is not None and self.model.family == "tabular":
            raise ValueError("mutation: expected none for a table, whose features are no whole numbers")
        for name in ("batch", "epochs"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")

    @staticmethod
    def from_dict(values: dict) -> "RunConfig":
        values = dict(values)
        values["model"] = ModelConfig.from_dict(values["model"])
        values["betas"] = tuple(values.get("betas", (0.9, 0.999)))
        if values.get("negative") is not None:
            values["negative"] = Negative(**values["negative"])
        if values.get("mutation") is not None:
            values["mutation"] = Mutation(**values["mutation"])
        return RunConfig(**values)

    @staticmethod
    def read(path: str | Path) -> "RunConfig":
        with open(path, "rb") as file:
            values = tomllib.load(file)
        try:
            return RunConfig.from_dict(values)
        except TypeError as error:
            # "RunConfig.__init__() got an unexpected keyword argument 'epoch'"
            raise ValueError(f"{Path(path).name}: {str(error).split('() ')[-1]}") from error

    def to_dict(self) -> dict:
        return {
            **asdict(self), "betas": list(self.betas), "model": self.model.to_dict(),
            "mutation": self.mutation.to_dict() if self.mutation else None,
        }


def anneal(t: float) -> float:
    """The learning rate's factor at epoch / epochs = t."""
    return 1.0 if t <= 0.8 else 0.5 if t <= 0.9 else 0.25
