"""The size of a multiscale flow: everything needed to rebuild the network from a checkpoint."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field


@dataclass
class LevelConfig:
    """One resolution: squeeze by `squeeze`, then `steps` x {ActNorm, 1x1 linear, coupling}."""

    squeeze: int
    steps: int
    #: "residual" (3x3 residual blocks), "patch" (convolutions on p x p patches) or "dense" (1x1 levels only).
    net: str = "residual"
    hidden: int = 64
    #: residual blocks ("residual"), hidden-to-hidden layers ("patch", "dense").
    blocks: int = 1
    #: kernel of the hidden-to-hidden convolutions of "patch".
    kernel: int = 1
    #: edge of the patches folded into channels before the convolutions of "patch".
    patch: int = 1
    #: learned bias per hidden channel and position ("patch").
    position: bool = True
    #: width of a fully connected summary of the whole map added to every position; 0 is none ("patch").
    context: int = 0
    dropout: float = 0.0


@dataclass
class FlowConfig:
    """A multiscale flow. `coupling` is "affine" (RealNVP / Glow) or "rqs" (rational quadratic spline)."""

    coupling: str = "affine"
    shape: tuple[int, int, int] = (1, 28, 28)
    levels: list[LevelConfig] = field(default_factory=list)
    #: spline bins K and half-width B of the spline's domain ("rqs").
    bins: int = 8
    tail_bound: float = 3.0
    #: floor of the affine scale sigmoid(a + 2) + min_scale. The inverse stretches by at most 1 / min_scale a step,
    #: so a higher floor keeps decode stable away from the data.
    min_scale: float = 1e-3
    #: conditioners see the identity half clamped to [-clamp, clamp]; 0 is off. Stops samples from running away.
    clamp: float = 0.0
    #: seeds the fixed channel permutations.
    seed: int = 0

    @staticmethod
    def from_dict(values: dict) -> "FlowConfig":
        values = dict(values)
        values["levels"] = [LevelConfig(**level) for level in values["levels"]]
        values["shape"] = tuple(values.get("shape", (1, 28, 28)))
        return FlowConfig(**values)

    def to_dict(self) -> dict:
        return {**asdict(self), "shape": list(self.shape)}
