"""Squeeze: trade resolution for channels, (C, H, W) -> (C f^2, H/f, W/f).

The output channel is c f^2 + f_h f + f_w (dgm spec 2.1.1). Volume preserving: the log-determinant is 0.
"""

from __future__ import annotations

from torch import Tensor


def squeeze(x: Tensor, factor: int) -> Tensor:
    _, c, h, w = x.shape
    f = factor
    x = x.reshape(-1, c, h // f, f, w // f, f).permute(0, 1, 3, 5, 2, 4)
    return x.reshape(-1, c * f * f, h // f, w // f)


def unsqueeze(x: Tensor, factor: int) -> Tensor:
    _, c, h, w = x.shape
    f = factor
    x = x.reshape(-1, c // (f * f), f, f, h, w).permute(0, 1, 4, 2, 5, 3)
    return x.reshape(-1, c // (f * f), h * f, w * f)
