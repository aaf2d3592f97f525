"""FLIPD with Rademacher probes by torch.func: vmap(jvp) at its best batch, or the reference's batches of 128 pairs."""

from __future__ import annotations

import resource
import time

import numpy as np
import torch
from score_network import network
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

#: rows and probes together in one vmap(jvp): the primal runs once for all probes of a row.
BATCHES = ((1, 10), (1, 25), (1, 50), (2, 25), (2, 50), (4, 50), (8, 50))
#: rows in one jvp, a probe after another.
LOOPS = (16, 64)
#: (row, probe) pairs in one jvp as published: every pair has its own primal.
PAIRS = 128


def prepare(images: str, t: float, probes: int, threads: int, mode: str, quick: bool):
    torch.set_num_threads(threads)
    x = torch.from_numpy(np.load(images)).float()
    net = network(quick)
    at = torch.tensor([t], dtype=torch.float64)
    mean, std = float(net.sde.mean(at)), float(net.sde.std(at))
    y = mean * x
    d = y[0].numel()
    generator = torch.Generator().manual_seed(7)

    def signs(*shape: int) -> Tensor:
        return torch.randint(0, 2, shape, generator=generator).float() * 2 - 1

    def forms(rows: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """net at the rows, and vᵀ (d net / dx) v of each."""
        times = torch.full((len(rows),), t)
        value, tangent = torch.func.jvp(lambda p: net(p, times), (rows,), (v,))
        return value, (v * tangent).flatten(1).sum(dim=1)

    def shared(rows: int, many: int):
        """`many` probes of `rows` rows in one vmap, one primal for all."""

        def run(y: Tensor) -> Tensor:
            out = []
            for part in y.split(rows):
                traces, first = [], None
                for chunk in torch.zeros(probes).split(many):
                    v = signs(len(chunk), *part.shape)
                    value, form = torch.func.vmap(lambda u: forms(part, u), out_dims=(None, 0))(v)
                    first = value
                    traces.append(form)
                out.append(d + std * torch.cat(traces).mean(dim=0) + first.flatten(1).square().sum(dim=1))
            return torch.cat(out)

        return run

    def loop(rows: int):
        def run(y: Tensor) -> Tensor:
            out = []
            for part in y.split(rows):
                results = [forms(part, signs(*part.shape)) for _ in range(probes)]
                trace = torch.stack([form for _, form in results]).mean(dim=0)
                out.append(d + std * trace + results[0][0].flatten(1).square().sum(dim=1))
            return torch.cat(out)

        return run

    def pairs(y: Tensor) -> Tensor:
        """Pairs probe-major, in chunks."""
        repeated = y.repeat(probes, 1, 1, 1)
        results = [forms(part, signs(*part.shape)) for part in repeated.split(PAIRS)]
        form = torch.cat([f for _, f in results]).reshape(probes, len(y)).mean(dim=0)
        value = torch.cat([v for v, _ in results])[: len(y)]
        return d + std * form + value.flatten(1).square().sum(dim=1)

    routes = {f"jvp in chunks of {PAIRS} pairs": pairs}
    if mode == "fastest":
        batches = BATCHES[:1] if quick else BATCHES
        routes = {f"vmap(jvp), {r} x {k}": shared(r, k) for r, k in batches}
        routes |= {f"jvp of {r} rows a probe": loop(r) for r in LOOPS[: 0 if quick else None]}
    # The fused attention kernel has no forward-mode formula.
    with sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        times = {name: _time(route, y[:8]) for name, route in routes.items()} if len(routes) > 1 else {}
    name = min(times, key=times.get) if times else next(iter(routes))

    def work() -> Tensor:
        with sdpa_kernel(SDPBackend.MATH), torch.no_grad():
            return routes[name](y)

    facts = {"route": name, "tried": ", ".join(f"{key}: {ms:.0f}" for key, ms in times.items())}
    return facts, work, lambda value: {"lid": value.tolist(), "peakMb": _peak_mb()}


def _time(route, y: Tensor) -> float:
    """Milliseconds an image."""
    start = time.perf_counter()
    route(y)
    return (time.perf_counter() - start) * 1000 / len(y)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
