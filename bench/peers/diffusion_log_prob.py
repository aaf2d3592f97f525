"""Probability-flow log-likelihoods by torch.func: Heun in log tau with one Rademacher probe a row."""

from __future__ import annotations

import math
import time

import numpy as np
import torch
from score_network import network
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel


def prepare(images: str, t: float, steps: int, threads: int, quick: bool):
    torch.set_num_threads(threads)
    x = torch.from_numpy(np.load(images)).float()
    net = network(quick)
    sde = net.sde
    d = x[0].numel()
    generator = torch.Generator().manual_seed(7)
    # One probe a row, the same along its whole path.
    v = torch.randint(0, 2, x.shape, generator=generator).float() * 2 - 1

    def forward(rows: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
        value, tangent = torch.func.jvp(lambda p: net(p, at), (rows,), (v,))
        return value, (v * tangent).flatten(1).sum(dim=1)

    def reverse(rows: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
        value, pull = torch.func.vjp(lambda p: net(p, at), rows)
        return value, (v * pull(v)[0]).flatten(1).sum(dim=1)

    def log_prob(route) -> tuple[Tensor, Tensor]:
        """x / mu against log tau: dy = -tau net, d log q = sigma tr(d net / dx)."""
        ends = [math.log(_tau(sde, torch.tensor(u, dtype=torch.float64))) for u in (t, 1.0)]
        grid = torch.linspace(*ends, steps + 1, dtype=torch.float64)
        y, change = x.double(), torch.zeros(len(x), dtype=torch.float64)

        def slope(y: Tensor, log_tau: float) -> tuple[Tensor, Tensor]:
            tau = math.exp(log_tau)
            u = _time_of(sde, tau)
            mean, std = 1 / math.sqrt(1 + tau**2), tau / math.sqrt(1 + tau**2)
            value, trace = route((mean * y).float(), torch.full((len(x),), u))
            return -tau * value.double(), std * trace.double()

        for a, b in zip(grid[:-1].tolist(), grid[1:].tolist(), strict=True):
            dy, dq = slope(y, a)
            dy2, dq2 = slope(y + (b - a) * dy, b)
            y, change = y + (b - a) / 2 * (dy + dy2), change + (b - a) / 2 * (dq + dq2)
        last = torch.tensor(1.0, dtype=torch.float64)
        mean, std = float(sde.mean(last)), float(sde.std(last))
        latent = mean * y
        prior = -0.5 * (latent / std).square().flatten(1).sum(dim=1) - d * (math.log(std) + 0.5 * math.log(2 * math.pi))
        return prior + d * math.log(mean) - change, latent

    routes = {"jvp": forward, "vjp": reverse}
    at = torch.full((len(x),), 0.1)
    # The fused attention kernel has no forward-mode formula.
    with sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        times = {name: _time(route, x, at) for name, route in routes.items()}
    name = min(times, key=times.get)

    def work() -> tuple[Tensor, Tensor]:
        with sdpa_kernel(SDPBackend.MATH), torch.no_grad():
            return log_prob(routes[name])

    facts = {"route": name, "tried": ", ".join(f"{key}: {ms:.0f}" for key, ms in times.items())}
    return facts, work, lambda value: {"logProb": value[0].tolist(), "latent": value[1].flatten().tolist()}


def _time(route, x: Tensor, at: Tensor) -> float:
    """Milliseconds of one evaluation of the batch, the better of two."""
    best = math.inf
    for _ in range(2):
        start = time.perf_counter()
        route(x, at)
        best = min(best, (time.perf_counter() - start) * 1000)
    return best


def _tau(sde, t: Tensor) -> float:
    return float(torch.sqrt(torch.expm1(sde.integral(t))))


def _time_of(sde, tau: float) -> float:
    b, slope = math.log1p(tau**2), sde.beta_max - sde.beta_min
    return 2 * b / (sde.beta_min + math.sqrt(sde.beta_min**2 + 2 * slope * b))
