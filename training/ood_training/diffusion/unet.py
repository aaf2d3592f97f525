"""A compact UNet for images: space-to-depth stem, residual blocks with scale-shift time conditioning, low-res attention."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass
class UNetConfig:
    shape: list[int] = field(default_factory=lambda: [1, 28, 28])
    #: side of the pixel patches the stem folds into channels; 1 keeps the full resolution.
    patch: int = 2
    #: width of each resolution, finest first; each next one halves the side.
    channels: list[int] = field(default_factory=lambda: [48, 96])
    #: residual blocks per resolution on the way down; the way up has one more.
    blocks: int = 1
    #: resolutions (by index) with self-attention.
    attention: list[int] = field(default_factory=lambda: [1])
    heads: int = 2
    groups: int = 8
    dropout: float = 0.0


class TimeEmbedding(nn.Module):
    """Sines and cosines of log tau at geometric frequencies, then two dense layers."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        # log tau spans about [-7, 5]: from one slow wave over the range to features of width 0.1.
        frequencies = torch.exp(torch.linspace(math.log(0.25), math.log(16.0), width // 2))
        self.register_buffer("frequencies", frequencies)
        self.dense = nn.Sequential(nn.Linear(width, out), nn.SiLU(), nn.Linear(out, out), nn.SiLU())

    def forward(self, log_tau: Tensor) -> Tensor:
        angle = log_tau[:, None] * self.frequencies
        return self.dense(torch.cat([torch.cos(angle), torch.sin(angle)], dim=1))


class Residual(nn.Module):
    """norm, SiLU, conv, norm with time-dependent scale and shift, SiLU, conv, plus the input."""

    def __init__(self, inner: int, outer: int, time: int, groups: int, dropout: float) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(groups, inner), nn.Conv2d(inner, outer, 3, padding=1)
        self.time = nn.Linear(time, 2 * outer)
        self.norm2, self.conv2 = nn.GroupNorm(groups, outer), nn.Conv2d(outer, outer, 3, padding=1)
        self.dropout = nn.Dropout(dropout)
        self.skip = nn.Identity() if inner == outer else nn.Conv2d(inner, outer, 1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.time(time)[:, :, None, None].chunk(2, dim=1)
        h = F.silu(self.norm2(h) * (1 + scale) + shift)
        return self.skip(x) + self.conv2(self.dropout(h))


class Attention(nn.Module):
    """Multi-head self-attention over positions, written with plain products so that every mode differentiates it."""

    def __init__(self, width: int, heads: int, groups: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(groups, width)
        self.qkv, self.out = nn.Conv2d(width, 3 * width, 1), nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        c, h, w = x.shape[1:]
        q, k, v = self.qkv(self.norm(x)).reshape(-1, 3, self.heads, c // self.heads, h * w).unbind(1)
        weight = torch.softmax(q.transpose(2, 3) @ k * (c // self.heads) ** -0.5, dim=-1)
        return x + self.out((v @ weight.transpose(2, 3)).reshape(-1, c, h, w))


class UNet(nn.Module):
    """x [N, C, H, W], log_tau [N] -> [N, C, H, W]."""

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        depth = config.shape[0] * config.patch**2
        widths, time = config.channels, 4 * config.channels[0]
        self.time = TimeEmbedding(64, time)
        self.stem = nn.Conv2d(depth, widths[0], 3, padding=1)

        def block(inner: int, outer: int) -> Residual:
            return Residual(inner, outer, time, config.groups, config.dropout)

        def attention(level: int) -> nn.Module:
            here = level in config.attention
            return Attention(widths[level], config.heads, config.groups) if here else nn.Identity()

        self.down, self.shrink, skips, width = nn.ModuleList(), nn.ModuleList(), [widths[0]], widths[0]
        for level, outer in enumerate(widths):
            stage = nn.ModuleList()
            for _ in range(config.blocks):
                stage.append(nn.ModuleList([block(width, outer), attention(level)]))
                width = outer
                skips.append(width)
            self.down.append(stage)
            if level < len(widths) - 1:
                self.shrink.append(nn.Conv2d(width, width, 3, stride=2, padding=1))
                skips.append(width)
        self.middle = nn.ModuleList([block(width, width), block(width, width)])
        self.middle_attention = attention(len(widths) - 1)
        self.up, self.grow = nn.ModuleList(), nn.ModuleList()
        for level in reversed(range(len(widths))):
            stage = nn.ModuleList()
            for _ in range(config.blocks + 1):
                stage.append(nn.ModuleList([block(width + skips.pop(), widths[level]), attention(level)]))
                width = widths[level]
            self.up.append(stage)
            if level > 0:
                self.grow.append(nn.Conv2d(width, width, 3, padding=1))
        self.norm = nn.GroupNorm(config.groups, width)
        self.out = nn.Conv2d(width, depth, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, log_tau: Tensor) -> Tensor:
        time = self.time(log_tau)
        h = self.stem(F.pixel_unshuffle(x, self.config.patch))
        skips = [h]
        for level, stage in enumerate(self.down):
            for block, attention in stage:
                h = attention(block(h, time))
                skips.append(h)
            if level < len(self.shrink):
                h = self.shrink[level](h)
                skips.append(h)
        h = self.middle[1](self.middle_attention(self.middle[0](h, time)), time)
        for level, stage in enumerate(self.up):
            for block, attention in stage:
                h = attention(block(torch.cat([h, skips.pop()], dim=1), time))
            if level < len(self.grow):
                # Two nearest-neighbour repeats by shape: cheaper to differentiate than a resize.
                n, c, height, wide = h.shape
                h = h[:, :, :, None, :, None].expand(-1, -1, -1, 2, -1, 2).reshape(-1, c, 2 * height, 2 * wide)
                h = self.grow[level](h)
        return F.pixel_shuffle(self.out(F.silu(self.norm(h))), self.config.patch)
