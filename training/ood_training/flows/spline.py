"""Monotone rational quadratic spline with linear tails (Durkan et al. 2019; dgm spec 2.1.1).

K bins on [-B, B]; softmax widths and heights (each at least 1e-3 of the interval), softplus derivatives (at least
1e-3), slope 1 at both ends, identity outside. Parameters per element: K widths, K heights, K-1 inner derivatives.
A bin is selected with a one-hot mask and a sum, not by boolean indexing, so shapes never depend on the data.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

MIN_BIN = 1e-3
MIN_DERIVATIVE = 1e-3


def parameters(bins: int) -> int:
    return 3 * bins - 1


def _bins(raw: Tensor, bound: float) -> tuple[Tensor, Tensor]:
    """Bin sizes [..., K] and left knots [..., K]."""
    bins = raw.shape[-1]
    size = 2 * bound * (MIN_BIN + (1 - MIN_BIN * bins) * torch.softmax(raw, dim=-1))
    right = torch.cumsum(size, dim=-1) - bound
    return size, right - size


def _pick(onehot: Tensor, values: Tensor) -> Tensor:
    return torch.where(onehot, values, torch.zeros((), dtype=values.dtype, device=values.device)).sum(-1)


def spline(x: Tensor, params: Tensor, bins: int, bound: float, inverse: bool = False) -> tuple[Tensor, Tensor]:
    """y and log|dy/dx| for x [...] and params [..., 3K-1]; with `inverse` the inverse map and its log-derivative."""
    raw_w, raw_h, raw_d = params.split([bins, bins, bins - 1], dim=-1)
    inside = (x > -bound) & (x < bound)
    one = torch.ones((), dtype=x.dtype, device=x.device)
    # Outside the domain the spline branch gets a harmless point, so no NaN reaches either gradient.
    v = torch.where(inside, x, 0 * one)

    widths, left = _bins(raw_w, bound)
    heights, bottom = _bins(raw_h, bound)
    inner = MIN_DERIVATIVE + F.softplus(raw_d)

    knots = (bottom if inverse else left)[..., 1:]
    index = (v.unsqueeze(-1) >= knots).to(x.dtype).sum(-1, keepdim=True)
    onehot = index == torch.arange(bins, dtype=x.dtype, device=x.device)

    w, h = _pick(onehot, widths), _pick(onehot, heights)
    x0, y0 = _pick(onehot, left), _pick(onehot, bottom)
    d0 = torch.where(onehot[..., 0], one, _pick(onehot[..., 1:], inner))
    d1 = torch.where(onehot[..., -1], one, _pick(onehot[..., :-1], inner))
    s = h / w
    curve = d0 + d1 - 2 * s

    if inverse:
        dy = v - y0
        a = h * (s - d0) + dy * curve
        b = h * d0 - dy * curve
        c = -s * dy
        root = torch.sqrt(torch.relu(b * b - 4 * a * c))
        theta = 2 * c / (-b - root)
        out = theta * w + x0
    else:
        theta = (v - x0) / w
        out = y0 + h * (s * theta * theta + d0 * theta * (1 - theta)) / (s + curve * theta * (1 - theta))

    mix = theta * (1 - theta)
    slope = s * s * (d1 * theta * theta + 2 * s * mix + d0 * (1 - theta) * (1 - theta))
    logd = torch.log(slope) - 2 * torch.log(s + curve * mix)
    if inverse:
        logd = -logd
    return torch.where(inside, out, x), torch.where(inside, logd, 0 * one)
