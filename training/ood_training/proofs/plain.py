"""Vector models of the proofs: an MLP of many activations, and a rational-quadratic spline flow."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Mlp(nn.Module):
    """x [N, D] -> [N, E], one activation a layer."""

    def __init__(self, width: int = 7, hidden: int = 12) -> None:
        super().__init__()
        self.activations = [
            torch.tanh, F.gelu, F.silu, F.softplus, F.elu, torch.sigmoid, F.selu, F.hardswish, F.mish, F.relu,
            lambda x: F.gelu(x, approximate="tanh"),
        ]  # fmt: skip
        sizes = [width] + [hidden] * len(self.activations)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.norm = nn.LayerNorm(hidden)
        self.head = nn.Linear(hidden, 4)

    def forward(self, x: Tensor) -> Tensor:
        h = x
        for i, (layer, activation) in enumerate(zip(self.layers, self.activations)):
            h = activation(layer(h)) + (h if i > 0 else 0)
        return F.softmax(self.head(self.norm(h)), dim=-1)


def spline(x: Tensor, widths: Tensor, heights: Tensor, slopes: Tensor, bound: float = 3.0) -> tuple[Tensor, Tensor]:
    """Monotone rational-quadratic spline on [-bound, bound], identity outside (Durkan et al. 2019, equations 4 to 8).

    x [...], widths and heights [..., B] and slopes [..., B - 1] unconstrained. Returns y and log dy/dx. The bin is found
    by counting the knots below x and its numbers are gathered, as the published implementation does.
    """
    bins, least = widths.shape[-1], 1e-3

    def knots(raw: Tensor) -> Tensor:
        size = least + (1 - least * bins) * F.softmax(raw, dim=-1)
        return 2 * bound * F.pad(torch.cumsum(size, dim=-1), (1, 0)) - bound

    inside = (x > -bound) & (x < bound)
    at = torch.where(inside, x, torch.zeros_like(x))
    edges_x, edges_y = knots(widths), knots(heights)
    slope = F.pad(least + F.softplus(slopes), (1, 1), value=1.0)
    index = ((at[..., None] >= edges_x[..., 1:-1]).sum(dim=-1))[..., None]
    pick = lambda table: table.gather(-1, index)[..., 0]  # noqa: E731
    left, bottom = pick(edges_x[..., :-1]), pick(edges_y[..., :-1])
    width = pick(edges_x[..., 1:] - edges_x[..., :-1])
    height = pick(edges_y[..., 1:] - edges_y[..., :-1])
    d0, d1 = pick(slope[..., :-1]), pick(slope[..., 1:])
    s, u = height / width, (at - left) / width
    v = u * (1 - u)
    bottom_part = s + (d0 + d1 - 2 * s) * v
    y = bottom + height * (s * u**2 + d0 * v) / bottom_part
    grow = torch.log(s**2 * (d1 * u**2 + 2 * s * v + d0 * (1 - u) ** 2)) - 2 * torch.log(bottom_part)
    return torch.where(inside, y, x), torch.where(inside, grow, torch.zeros_like(grow))


class SplineFlow(nn.Module):
    """x [N, D] -> z [N, D], logdet [N]: coupling layers whose splines a small net of the other half shapes."""

    def __init__(self, width: int = 6, steps: int = 3, bins: int = 4, hidden: int = 12) -> None:
        super().__init__()
        self.half, self.bins = width // 2, bins
        out = self.half * (3 * bins - 1)
        self.nets = nn.ModuleList(
            nn.Sequential(nn.Linear(self.half, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, out))
            for _ in range(steps)
        )
        self.register_buffer("order", torch.arange(width).flip(0))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        logdet = torch.zeros_like(x[:, 0])
        for net in self.nets:
            a, b = x.chunk(2, dim=1)
            raw = net(a).reshape(-1, self.half, 3 * self.bins - 1)
            b, grow = spline(b, *raw.split([self.bins, self.bins, self.bins - 1], dim=-1))
            x = torch.cat([a, b], dim=1)[:, self.order]
            logdet = logdet + grow.sum(dim=1)
        return x, logdet
