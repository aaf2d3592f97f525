"""Affine coupling transform: y = x s + t with s = sigmoid(a + 2) + floor, floor 1e-3 in dgm spec 2.1.1.

The bounded scale starts near 0.88 and cannot explode; ActNorm gives back the range.
"""

from __future__ import annotations

import torch
from torch import Tensor

PARAMETERS = 2
MIN_SCALE = 1e-3


def scale_and_shift(params: Tensor, floor: float = MIN_SCALE) -> tuple[Tensor, Tensor]:
    raw, shift = params.chunk(2, dim=1)
    return torch.sigmoid(raw + 2.0) + floor, shift


def forward(x: Tensor, params: Tensor, floor: float = MIN_SCALE) -> tuple[Tensor, Tensor]:
    """y and log|dy/dx| per element."""
    scale, shift = scale_and_shift(params, floor)
    return x * scale + shift, scale.log()


def inverse(y: Tensor, params: Tensor, floor: float = MIN_SCALE) -> Tensor:
    scale, shift = scale_and_shift(params, floor)
    return (y - shift) / scale
