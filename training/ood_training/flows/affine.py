"""Affine coupling transform: y = x s + t with s = sigmoid(a + 2) + 1e-3 (dgm spec 2.1.1).

The bounded scale starts near 0.88 and cannot explode; ActNorm gives back the range.
"""

from __future__ import annotations

import torch
from torch import Tensor

PARAMETERS = 2
MIN_SCALE = 1e-3


def scale_and_shift(params: Tensor) -> tuple[Tensor, Tensor]:
    raw, shift = params.chunk(2, dim=1)
    return torch.sigmoid(raw + 2.0) + MIN_SCALE, shift


def forward(x: Tensor, params: Tensor) -> tuple[Tensor, Tensor]:
    """y and log|dy/dx| per element."""
    scale, shift = scale_and_shift(params)
    return x * scale + shift, scale.log()


def inverse(y: Tensor, params: Tensor) -> Tensor:
    scale, shift = scale_and_shift(params)
    return (y - shift) / scale
