"""Denoising score matching: which times are drawn and what error is minimised."""

from __future__ import annotations

import torch
from torch import Tensor

from .precondition import ScoreNetwork, column
from .sde import Sde

#: range of log tau that `log-tau` times cover, and the share of draws that stay uniform in t.
LOG_TAU = (-5.5, 2.5)
UNIFORM_SHARE = 0.15

WEIGHTINGS = ("v", "epsilon", "likelihood")


def time_table(sde: Sde, points: int = 4096) -> tuple[Tensor, Tensor]:
    """Times on a fine grid (denser near 0) with their log tau, to invert tau(t) by interpolation."""
    t = torch.linspace(0, 1, points, dtype=torch.float64) ** 4
    t[0] = 1e-12
    return t, torch.log(sde.std(t) / sde.mean(t))


def draw_times(sde: Sde, kind: str, count: int, generator: torch.Generator) -> Tensor:
    """`count` times, stratified over the batch so that each one covers the whole range."""
    u = (torch.randperm(count, generator=generator) + torch.rand(count, generator=generator)) / count
    if kind == "uniform":
        return u.clamp(min=1e-5)
    if kind != "log-tau":
        raise ValueError(f"times: expected uniform or log-tau, got {kind}")
    t, log_tau = time_table(sde)
    low = max(LOG_TAU[0], float(log_tau[1]))
    high = min(LOG_TAU[1], float(log_tau[-1]))
    wanted = low + (high - low) * (u.double() / (1 - UNIFORM_SHARE)).clamp(max=1)
    right = torch.searchsorted(log_tau, wanted).clamp(1, len(t) - 1)
    fraction = (wanted - log_tau[right - 1]) / (log_tau[right] - log_tau[right - 1])
    spread = t[right - 1] + fraction.clamp(0, 1) * (t[right] - t[right - 1])
    flat = torch.rand(count, generator=generator, dtype=torch.float64)
    return torch.where(u < 1 - UNIFORM_SHARE, spread, flat).clamp(min=1e-5).float()


def loss_per_image(net: ScoreNetwork, x: Tensor, t: Tensor, noise: Tensor, weighting: str) -> tuple[Tensor, Tensor]:
    """Weighted and plain mean squared errors of the predicted noise, one a row.

    With m^2 + s^2 = 1 (see precondition.py) an error e in eps is an error e / m in v.
    """
    sde = net.sde
    mean, std = column(sde.mean(t), x), column(sde.std(t), x)
    error = (net(mean * x + std * noise, t) + noise).flatten(1).square().mean(1)
    if weighting == "epsilon":
        return error, error
    if weighting == "v":
        return error / net.scales(t)[0] ** 2, error
    if weighting == "likelihood":
        return error * sde.diffusion_squared(t) / sde.std(t) ** 2, error
    raise ValueError(f"weighting: expected one of {WEIGHTINGS}, got {weighting}")
