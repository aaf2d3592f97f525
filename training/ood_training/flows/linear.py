"""ActNorm and the invertible 1x1 convolution, applied as one affine map y = W x + b over channels.

ActNorm: y = x exp(log_scale) + shift, initialised on data to zero mean and unit deviation (Kingma & Dhariwal 2018).
1x1 convolution: W = L U P with a fixed permutation P, unit lower triangular L and an upper triangular U whose
diagonal is softplus(u) + 1e-3; log|det| = H W sum log diag U (dgm spec 2.1.1).
Both work on maps [N, C, H, W] and on vectors [N, C].
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MIN_DIAGONAL = 1e-3


class ActNorm(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(channels))
        self.shift = nn.Parameter(torch.zeros(channels))

    @torch.no_grad()
    def initialize(self, x: Tensor) -> None:
        """Choose scale and shift so that this batch leaves with zero mean and unit deviation per channel."""
        dims = [d for d in range(x.dim()) if d != 1]
        mean = x.mean(dim=dims)
        std = x.std(dim=dims) + 1e-6
        self.log_scale.copy_(-std.log())
        self.shift.copy_(-mean / std)


class InvertibleLinear(nn.Module):
    def __init__(self, channels: int, generator: torch.Generator) -> None:
        super().__init__()
        self.register_buffer("permutation", torch.randperm(channels, generator=generator))
        self.register_buffer("lower_mask", torch.tril(torch.ones(channels, channels), -1))
        self.lower = nn.Parameter(torch.zeros(channels, channels))
        self.upper = nn.Parameter(torch.zeros(channels, channels))
        # softplus(u) + 1e-3 = 1, so the map starts as a pure permutation.
        self.diagonal = nn.Parameter(torch.full((channels,), math.log(math.expm1(1 - MIN_DIAGONAL))))

    def scale(self) -> Tensor:
        return F.softplus(self.diagonal) + MIN_DIAGONAL

    def weight(self) -> Tensor:
        """W [C, C]; column order undoes the permutation, so W x = L U (P x)."""
        mask = self.lower_mask
        lower = self.lower * mask + torch.eye(len(self.diagonal), dtype=mask.dtype, device=mask.device)
        upper = self.upper * mask.T + torch.diag(self.scale())
        return (lower @ upper)[:, torch.argsort(self.permutation)]


class NormalizedLinear(nn.Module):
    """ActNorm followed by the 1x1 convolution; `affine()` gives the single map y = W x + b they amount to."""

    def __init__(self, channels: int, generator: torch.Generator) -> None:
        super().__init__()
        self.norm = ActNorm(channels)
        self.linear = InvertibleLinear(channels, generator)

    def affine(self) -> tuple[Tensor, Tensor]:
        weight = self.linear.weight()
        return weight * self.norm.log_scale.exp(), weight @ self.norm.shift

    def logdet_per_position(self) -> Tensor:
        return self.norm.log_scale.sum() + self.linear.scale().log().sum()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """y and the log-determinant (one number, the same for every row)."""
        weight, bias = self.affine()
        positions = x[0, 0].numel() if x.dim() == 4 else 1
        return apply_affine(x, weight, bias), self.logdet_per_position() * positions

    def inverse(self, y: Tensor) -> Tensor:
        weight, bias = invert_affine(*self.affine())
        return apply_affine(y, weight, bias)


def apply_affine(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """W x + b over the channel axis of [N, C] or [N, C, H, W]."""
    if x.dim() == 2:
        return F.linear(x, weight, bias)
    return F.conv2d(x, weight[:, :, None, None], bias)


def invert_affine(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """The inverse map's weight and bias, computed in float64."""
    inverse = torch.linalg.inv(weight.double())
    return inverse.to(weight.dtype), (-inverse @ bias.double()).to(weight.dtype)
