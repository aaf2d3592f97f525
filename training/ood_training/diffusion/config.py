"""A diffusion run's configuration: one TOML file = one run."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path

from torch import nn

from .mlp import MlpUNet, MlpUNetConfig
from .precondition import ScoreNetwork
from .sde import Sde, VariancePreserving, make_sde, sde_config
from .unet import UNet, UNetConfig

NETS: dict[str, tuple[type, type[nn.Module]]] = {"unet": (UNetConfig, UNet), "mlp": (MlpUNetConfig, MlpUNet)}


@dataclass
class DiffusionConfig:
    """Everything about a run except the hardware it happens to use."""

    name: str
    dataset: str
    net: UNetConfig | MlpUNetConfig
    sde: Sde = field(default_factory=VariancePreserving)
    #: JSON file in the package whose `heldout` training images are never used.
    exclude: str | None = None
    validation: int = 2000
    batch: int = 48
    seed: int = 0
    steps: int = 20_000
    lr: float = 1e-3
    warmup: int = 300
    weight_decay: float = 1e-4
    betas: tuple[float, float] = (0.9, 0.99)
    clip: float = 1.0
    ema: float = 0.999
    #: what the squared error is measured in: "v", "epsilon", or "likelihood" (g^2 / std^2, Song et al. 2021).
    weighting: str = "v"
    #: how times are drawn: "uniform", or "log-tau", which spreads most of them evenly over the log noise-to-signal ratio.
    times: str = "log-tau"
    tags: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def from_dict(values: dict) -> "DiffusionConfig":
        values = dict(values)
        net = dict(values["net"])
        kind = net.pop("kind", "unet")
        if kind not in NETS:
            raise ValueError(f"net.kind: expected one of {sorted(NETS)}, got {kind}")
        values["net"] = NETS[kind][0](**net)
        values["sde"] = make_sde(values.get("sde", {}))
        values["betas"] = tuple(values.get("betas", (0.9, 0.99)))
        return DiffusionConfig(**values)

    @staticmethod
    def read(path: str | Path) -> "DiffusionConfig":
        with open(path, "rb") as file:
            return DiffusionConfig.from_dict(tomllib.load(file))

    def to_dict(self) -> dict:
        kind = next(key for key, (config, _) in NETS.items() if type(self.net) is config)
        return {
            **asdict(self), "betas": list(self.betas),
            "net": {"kind": kind, **asdict(self.net)}, "sde": sde_config(self.sde),
        }

    def network(self) -> ScoreNetwork:
        net = next(build for config, build in NETS.values() if type(self.net) is config)
        return ScoreNetwork(net(self.net), self.sde)
