"""Dequantisation and logit, outside every graph, with exact log-determinants (dgm spec 3.2).

Pixels are integers k in 0..255. Dequantise: y = (k + u) / 256, u ~ U[0, 1). Logit: p = a + (1 - a) y,
v = ln(p / (1 - p + eps)), a = 0.05, eps = 1e-6. The flow sees v ("model space").
Bits per dimension are those of the discrete pixels: -(log p(v) + log|dv/dy|) / (D ln 2) + 8, because each integer owns
an interval of length 1/256 in y.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

LEVELS = 256
ALPHA = 0.05
EPS = 1e-6

#: the manifest's `preprocessing`: named transforms with their parameters, in the order they are applied.
PREPROCESSING = [
    {"name": "dequantize", "levels": LEVELS},
    {"name": "logit", "alpha": ALPHA, "eps": EPS},
]


def dequantize(pixels: Tensor, noise: Tensor) -> Tensor:
    return (pixels.to(noise.dtype) + noise) / LEVELS


def logit(y: Tensor) -> Tensor:
    p = ALPHA + (1 - ALPHA) * y
    return torch.log(p / (1 - p + EPS))


def logit_logdet(y: Tensor) -> Tensor:
    """log|dv/dy| [N]: dv/dp = 1/p + 1/(1 - p + eps), dp/dy = 1 - a."""
    p = ALPHA + (1 - ALPHA) * y
    each = math.log(1 - ALPHA) + torch.log(1 / p + 1 / (1 - p + EPS))
    return each.flatten(1).sum(1)


def inverse_logit(v: Tensor) -> Tensor:
    """y of v; exact with the eps: p = (1 + eps) sigmoid(v)."""
    return ((1 + EPS) * torch.sigmoid(v) - ALPHA) / (1 - ALPHA)


def quantize(y: Tensor) -> Tensor:
    """Pixels 0..255 of y in [0, 1)."""
    return torch.floor(y * LEVELS).clamp(0, LEVELS - 1)


def preprocess(pixels: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Model-space v and log|dv/dy| [N] of integer pixels and uniform noise of the same shape."""
    y = dequantize(pixels, noise)
    return logit(y), logit_logdet(y)


def bits_per_dim(log_prob: Tensor, logdet: Tensor, dim: int) -> Tensor:
    """Bits per pixel of the discrete image: log_prob in model space plus log|dv/dy|, both [N]."""
    return -(log_prob + logdet) / (dim * math.log(2)) + math.log2(LEVELS)
