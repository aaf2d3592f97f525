"""Mutated copies of a data set, on which background models are trained (Ren et al. 2019; spec 1.3 and dgm 1.6.3)."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor

KINDS = ("categorical", "uniform")


@dataclass
class Mutation:
    """Each element is replaced with probability `rate`, independently."""

    rate: float
    #: "categorical": by one of the other values (never its own); "uniform": by any value, its own included.
    kind: str = "categorical"
    #: smallest and largest value; the formula needs 0 as the smallest.
    value_range: tuple[int, int] = (0, 255)

    def __post_init__(self) -> None:
        self.value_range = tuple(self.value_range)
        if not 0 < self.rate <= 1:
            raise ValueError(f"mutation.rate: expected a number in (0, 1], got {self.rate}")
        if self.kind not in KINDS:
            raise ValueError(f"mutation.kind: expected one of {', '.join(KINDS)}, got {self.kind}")
        low, high = self.value_range
        if low != 0 or high < 1:
            raise ValueError(f"mutation.value_range: expected [0, at least 1], got {[low, high]}")

    def to_dict(self) -> dict:
        return {**asdict(self), "value_range": list(self.value_range)}

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """x in 0..high, mutated; shifts are drawn from 1..high (categorical) or 0..high (uniform)."""
        mask = torch.rand(x.shape, generator=generator) < self.rate
        first = 1 if self.kind == "categorical" else 0
        return self.shifted(x, mask, torch.randint(first, self.value_range[1] + 1, x.shape, generator=generator))

    def shifted(self, x: Tensor, mask: Tensor, shift: Tensor) -> Tensor:
        """(x + mask * shift) mod (high + 1), in the type of x."""
        return ((x.long() + mask * shift) % (self.value_range[1] + 1)).to(x.dtype)


def role_fields(mutation: Mutation | None) -> dict:
    """What a manifest says of the data a model was trained on: `role` and `mutation`."""
    if mutation is None:
        return {"role": "semantic", "mutation": None}
    described = {"rate": mutation.rate, "kind": mutation.kind, "valueRange": list(mutation.value_range)}
    return {"role": "background", "mutation": described}
