"""What a flow of this folder is built from, as written in a run's TOML file."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import ClassVar

FAMILIES = ("realnvp", "fixed", "glow", "tabular")


@dataclass
class NetConfig:
    """The networks of the couplings."""

    TYPES: ClassVar[tuple[str, ...]] = (
        "resnet", "resnet_ae", "highway", "convnet", "glow_convnet", "autoencoder", "autoencoder_old",
    )

    st: str = "resnet"
    #: channels inside (multiscale RealNVP doubles them at every squeeze, autoencoders apart), or hidden units of tables.
    mid: int = 64
    #: residual, highway or plain layers; hidden layers of tables.
    blocks: int = 8
    batch_norm: bool = True
    skip: bool = True
    init_zeros: bool = False
    #: numbers in a bottleneck.
    latent: int = 100
    #: channels of the four convolutions of "autoencoder".
    widths: tuple[int, ...] = (32, 64, 64, 128)
    #: dropout of half of the first hidden layer ("tabular").
    dropout: bool = False


@dataclass
class ModelConfig:
    """A flow: RealNVP of several scales, one of the fixed-size variants, Glow, or RealNVP of tables."""

    family: str
    #: [C, H, W] of an image or [D] of a row.
    shape: tuple[int, ...]
    net: NetConfig = field(default_factory=NetConfig)
    scales: int = 2
    #: name of a sequence of masks, for "fixed" (see variants.py).
    masks: str = "checkerboard-8"
    #: couplings per scale ("glow") or in all ("tabular").
    couplings: int = 8
    #: half of the channels leave after every scale but the last ("glow").
    multi_scale: bool = True
    #: deviation that ActNorm starts with ("glow").
    actnorm_scale: float = 1.0

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise ValueError(f"family: expected one of {', '.join(FAMILIES)}, got {self.family}")
        rank = 1 if self.family == "tabular" else 3
        if len(self.shape) != rank:
            raise ValueError(f"shape: expected {rank} numbers for {self.family}, got {list(self.shape)}")
        if self.family != "tabular" and self.net.st not in NetConfig.TYPES:
            raise ValueError(f"st: expected one of {', '.join(NetConfig.TYPES)}, got {self.net.st}")

    @staticmethod
    def from_dict(values: dict) -> "ModelConfig":
        net = dict(values.get("net", {}))
        if "widths" in net:
            net["widths"] = tuple(net["widths"])
        return ModelConfig(**{**values, "shape": tuple(values["shape"]), "net": NetConfig(**net)})

    def to_dict(self) -> dict:
        values = asdict(self)
        return {**values, "shape": list(self.shape), "net": {**values["net"], "widths": list(self.net.widths)}}
