"""The MLP-UNet for tabular data and flattened images: dense layers with skip connections, time fed at both ends."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .unet import TimeEmbedding


@dataclass
class MlpUNetConfig:
    shape: list[int] = field(default_factory=lambda: [2])
    hidden: list[int] = field(default_factory=lambda: [256, 128, 64])
    time: int = 64


class MlpUNet(nn.Module):
    """x [N, ...], log_tau [N] -> [N, ...] (dgm spec 2.2, MLPUnet: each way up takes [skip, previous])."""

    def __init__(self, config: MlpUNetConfig) -> None:
        super().__init__()
        self.config = config
        size, hidden = math.prod(config.shape), config.hidden
        self.time = TimeEmbedding(config.time, config.time)
        widths = [size + config.time, *hidden]
        self.down = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))
        self.up = nn.ModuleList()
        width = hidden[-1]
        for skip in reversed(hidden[:-1]):
            self.up.append(nn.Linear(skip + width, skip))
            width = skip
        self.out = nn.Linear(widths[0] + width, size)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, log_tau: Tensor) -> Tensor:
        first = torch.cat([x.reshape(-1, math.prod(self.config.shape)), self.time(log_tau)], dim=1)
        h, skips = first, []
        for layer in self.down:
            h = F.silu(layer(h))
            skips.append(h)
        skips.pop()
        for layer in self.up:
            h = F.silu(layer(torch.cat([skips.pop(), h], dim=1)))
        return self.out(torch.cat([first, h], dim=1)).reshape(x.shape)
