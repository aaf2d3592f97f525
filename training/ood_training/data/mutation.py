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
        """(x + mask * shift) mod (high + 1), with shift in 1..high (categorical) or 0..high (uniform)."""
        values = self.value_range[1] + 1
        mask = torch.rand(x.shape, generator=generator) < self.rate
        first = 1 if self.kind == "categorical" else 0
        shift = torch.randint(first, values, x.shape, generator=generator)
        return ((x.long() + mask * shift) % values).to(x.dtype)
