"""Coupling layer: one half of the channels passes, the other half is transformed given it.

A free linear map over channels comes before every coupling, so contiguous halves lose nothing against the even/odd
masks of dgm spec 2.1.1 and need no gather; `flip` says which half is transformed.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from . import affine, spline
from .conditioner import conditioner
from .config import FlowConfig, LevelConfig


class Coupling(nn.Module):
    def __init__(self, channels: int, grid: tuple[int, int], flip: bool, config: FlowConfig, level: LevelConfig) -> None:
        super().__init__()
        self.half = channels // 2
        self.flip = flip
        self.kind, self.bins, self.bound = config.coupling, config.bins, config.tail_bound
        self.floor, self.clamp = config.min_scale, config.clamp
        #: softmax inputs are divided by sqrt(hidden) so that a wide net does not start with spiky bins.
        self.damping = 1 / math.sqrt(level.hidden)
        if self.kind not in ("affine", "rqs"):
            raise ValueError(f"coupling: expected affine or rqs, got {self.kind}")
        each = affine.PARAMETERS if self.kind == "affine" else spline.parameters(self.bins)
        moved = channels - self.half if not flip else self.half
        self.net = conditioner(channels - moved, moved * each, grid, level)

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(identity, transformed)."""
        low, high = x[:, : self.half], x[:, self.half :]
        return (high, low) if self.flip else (low, high)

    def _join(self, kept: Tensor, moved: Tensor) -> Tensor:
        return torch.cat([moved, kept] if self.flip else [kept, moved], dim=1)

    def params(self, kept: Tensor) -> Tensor:
        return self.net(kept.clamp(-self.clamp, self.clamp) if self.clamp > 0 else kept)

    def _spline(self, x: Tensor, params: Tensor, inverse: bool) -> tuple[Tensor, Tensor]:
        each = spline.parameters(self.bins)
        channels = x.shape[1]
        if x.dim() == 4:
            params = params.reshape(-1, channels, each, x.shape[2], x.shape[3]).permute(0, 1, 3, 4, 2)
        else:
            params = params.reshape(-1, channels, each)
        scaled = torch.cat([params[..., : 2 * self.bins] * self.damping, params[..., 2 * self.bins :]], dim=-1)
        return spline.spline(x, scaled, self.bins, self.bound, inverse)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """y and the log-determinant [N]."""
        kept, moved = self._split(x)
        params = self.params(kept)
        if self.kind == "affine":
            moved, logd = affine.forward(moved, params, self.floor)
        else:
            moved, logd = self._spline(moved, params, inverse=False)
        return self._join(kept, moved), logd.flatten(1).sum(1)

    def inverse(self, y: Tensor) -> Tensor:
        kept, moved = self._split(y)
        params = self.params(kept)
        if self.kind == "affine":
            moved = affine.inverse(moved, params, self.floor)
        else:
            moved, _ = self._spline(moved, params, inverse=True)
        return self._join(kept, moved)
