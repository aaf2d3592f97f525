"""The coupling: y = (x + t) exp(s), s = rescale tanh(s_raw), where s_raw and t are read off the part that passes.

The shift comes before the scale; log|det| = sum s; x = y exp(-s) - t (spec llr-flows-ncis 2.1).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from .layers import Rescale
from .masks import Mask, parts


class Coupled(NamedTuple):
    """One pass through a coupling: y, log|det| [N], and the maps it used."""

    y: Tensor
    logdet: Tensor
    s: Tensor
    t: Tensor


class Coupling(nn.Module):
    """Couples rows of `shape` by `mask`; `net` maps what conditions to 2 C channels (2 D numbers for tables)."""

    def __init__(self, mask: Mask, shape: tuple[int, ...], net: nn.Module) -> None:
        super().__init__()
        self.mask, self.shape, self.net = mask, shape, net
        self.halves = mask.kind == "channel"
        channels = shape[0] // 2 if self.halves else shape[0]
        self.rescale: nn.Module = Rescale((channels, 1, 1) if len(shape) == 3 else (channels,))
        if not self.halves:
            identity, changed = parts(mask, shape)
            self.register_buffer("identity", identity, persistent=False)
            self.register_buffer("changed", changed, persistent=False)

    def _tile(self, x: Tensor) -> Tensor:
        """Tiles of the image as rows of the batch; the tiles of one image are neighbours."""
        f, (c, h, w) = self.mask.tiles, self.shape
        x = x.reshape(-1, c, f, h // f, f, w // f).permute(0, 2, 4, 1, 3, 5)
        return x.reshape(-1, c, h // f, w // f)

    def _untile(self, x: Tensor) -> Tensor:
        f, (c, h, w) = self.mask.tiles, self.shape
        x = x.reshape(-1, f, f, c, h // f, w // f).permute(0, 3, 1, 4, 2, 5)
        return x.reshape(-1, c, h, w)

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(conditions, changes) of a channel mask: unreversed, the second half conditions."""
        first, second = x.chunk(2, dim=1)
        return (first, second) if self.mask.reverse else (second, first)

    def maps(self, given: Tensor) -> tuple[Tensor, Tensor]:
        """s and t, zero wherever nothing changes."""
        raw, t = self.net(given).chunk(2, dim=1)
        s = self.rescale(torch.tanh(raw))
        return (s, t) if self.halves else (s * self.changed, t * self.changed)

    def _map(self, x: Tensor, inverse: bool) -> Coupled:
        if self.mask.tiles > 1:
            x = self._tile(x)
        if self.halves:
            given, moved = self._split(x)
        else:
            given, moved = x * self.identity, x
        s, t = self.maps(given)
        moved = moved * torch.exp(-s) - t if inverse else (moved + t) * torch.exp(s)
        if self.halves:
            y = torch.cat([given, moved] if self.mask.reverse else [moved, given], dim=1)
        else:
            y = moved
        if self.mask.tiles > 1:
            y, s, t = self._untile(y), self._untile(s), self._untile(t)
        return Coupled(y, s.flatten(1).sum(1), s, t)

    def trace(self, x: Tensor) -> Coupled:
        return self._map(x, inverse=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y, logdet, _, _ = self._map(x, inverse=False)
        return y, logdet

    def inverse(self, y: Tensor) -> Tensor:
        return self._map(y, inverse=True).y
