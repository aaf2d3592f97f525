"""Conditioner networks: from the identity half of a coupling to the parameters of the transformed half.

Every net ends in a zero-initialised layer, so a fresh coupling is the same simple map for every input.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import LevelConfig
from .squeeze import squeeze, unsqueeze


def _zero(layer: nn.Module) -> nn.Module:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class ResidualNet(nn.Module):
    """1x1 conv, residual blocks of two 3x3 convs with dropout, 1x1 conv (dgm spec 2.1.1)."""

    def __init__(self, inputs: int, outputs: int, level: LevelConfig) -> None:
        super().__init__()
        h = level.hidden
        self.first = nn.Conv2d(inputs, h, 1)
        self.blocks = nn.ModuleList(
            nn.ModuleList([nn.Conv2d(h, h, 3, padding=1), nn.Conv2d(h, h, 3, padding=1)]) for _ in range(level.blocks)
        )
        self.dropout = nn.Dropout(level.dropout)
        self.last = _zero(nn.Conv2d(h, outputs, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for one, two in self.blocks:
            x = x + two(self.dropout(F.relu(one(F.relu(x)))))
        return self.last(F.relu(x))


class PatchNet(nn.Module):
    """3x3 conv, hidden convs, 3x3 conv on p x p patches, with a learned bias per position.

    Folding patches into channels widens the view and makes each multiplication cheaper than at full resolution.
    The position bias (and the optional summary of the whole map) suits centred pictures, where what is likely
    depends on where it is. p = 1 without them is Glow's conditioner.
    """

    def __init__(self, inputs: int, outputs: int, grid: tuple[int, int], level: LevelConfig) -> None:
        super().__init__()
        self.patch = level.patch
        p, h, k = level.patch, level.hidden, level.kernel
        rows, cols = grid[0] // p, grid[1] // p
        self.first = nn.Conv2d(inputs * p * p, h, 3, padding=1)
        self.position = nn.Parameter(torch.zeros(1, h, rows, cols)) if level.position else None
        self.summary = (
            nn.Sequential(
                nn.Flatten(), nn.Linear(inputs * grid[0] * grid[1], level.context), nn.ReLU(),
                _zero(nn.Linear(level.context, h)), nn.Unflatten(1, (h, 1, 1)),
            )
            if level.context > 0
            else None
        )
        self.hidden = nn.ModuleList(nn.Conv2d(h, h, k, padding=k // 2) for _ in range(level.blocks))
        self.dropout = nn.Dropout(level.dropout)
        self.last = _zero(nn.Conv2d(h, outputs * p * p, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(squeeze(x, self.patch) if self.patch > 1 else x)
        if self.position is not None:
            y = y + self.position
        if self.summary is not None:
            y = y + self.summary(x)
        y = F.relu(y)
        for layer in self.hidden:
            y = F.relu(layer(y))
        y = self.last(self.dropout(y))
        return unsqueeze(y, self.patch) if self.patch > 1 else y


class DenseNet(nn.Module):
    """Fully connected net for levels of size 1 x 1, which are kept as vectors [N, C]."""

    def __init__(self, inputs: int, outputs: int, level: LevelConfig) -> None:
        super().__init__()
        h = level.hidden
        self.first = nn.Linear(inputs, h)
        self.hidden = nn.ModuleList(nn.Linear(h, h) for _ in range(level.blocks))
        self.dropout = nn.Dropout(level.dropout)
        self.last = _zero(nn.Linear(h, outputs))

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.first(x))
        for layer in self.hidden:
            x = F.relu(layer(x))
        return self.last(self.dropout(x))


def conditioner(inputs: int, outputs: int, grid: tuple[int, int], level: LevelConfig) -> nn.Module:
    if level.net == "dense":
        return DenseNet(inputs, outputs, level)
    if level.net == "patch":
        return PatchNet(inputs, outputs, grid, level)
    if level.net == "residual":
        return ResidualNet(inputs, outputs, level)
    raise ValueError(f"level net: expected residual, patch or dense, got {level.net}")
