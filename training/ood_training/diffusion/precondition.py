"""Turns a plain network F into sigma(t) * score, the output every exported graph has.

The network sees an input of unit variance and predicts the v of Salimans & Ho (2022) at the noise-to-signal angle of
t: with m = mean / r, s = std / r, r = sqrt(mean^2 + std^2), the data scaled by m and the noise by s have m^2 + s^2 = 1,
v = m eps - s x_0, and eps = m v + s x_t / r. At small t this is noise prediction; at large t the part of eps that is x
itself is not left to the network.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .sde import Sde

#: smallest noise-to-signal ratio the time embedding tells apart: exp(-7) is below a hundredth of a grey level.
LOG_TAU_MIN = -7.0


def column(values: Tensor, like: Tensor) -> Tensor:
    """[N] -> [N, 1, ...] of the rank of `like`."""
    return values.reshape(-1, *([1] * (like.dim() - 1)))


class ScoreNetwork(nn.Module):
    """x [N, ...], t [N] -> sigma(t) * score(x, t), about minus the noise."""

    def __init__(self, net: nn.Module, sde: Sde) -> None:
        super().__init__()
        self.net, self.sde = net, sde

    def scales(self, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, std = self.sde.mean(t), self.sde.std(t)
        r = torch.sqrt(mean**2 + std**2)
        return mean / r, std / r, r

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        m, s, r = (column(v, x) for v in self.scales(t))
        unit = x / r
        log_tau = torch.log(torch.clamp(self.sde.std(t) / self.sde.mean(t), min=1e-3))
        return -(m * self.net(unit, log_tau) + s * unit)
