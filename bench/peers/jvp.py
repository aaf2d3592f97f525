"""K directional derivatives by torch.func: vmap(jvp) at its best chunk size, or jacfwd of s -> f(x + s V)."""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

import onnx_torch
import unet

CHUNKS = (8, 16, 28, 49, 98, 196, 392, 784)


def prepare(model: str, onnx: str, x: str, t: str, directions: str, weights: str, threads: int, mode: str, quick: bool):
    torch.set_num_threads(threads)
    point, V, r = (torch.from_numpy(np.load(path)) for path in (x, directions, weights))
    if model == "unet":
        net, moment = unet.model(quick), torch.from_numpy(np.load(t))
        f = lambda p: net(p, moment)  # noqa: E731
    else:
        graph = onnx_torch.load(onnx)
        f = lambda p: graph(p)[0]  # noqa: E731
    for parameter in net.parameters() if model == "unet" else []:
        parameter.requires_grad_(False)
    k = len(V)

    def route(chunk: int):
        column = lambda v: torch.func.jvp(f, (point,), (v,))[1]  # noqa: E731
        return lambda: torch.func.vmap(column, chunk_size=chunk)(V)

    def forward() -> Tensor:
        along = lambda s: f(point + torch.einsum("k,k...->...", s, V))  # noqa: E731
        return torch.func.jacfwd(along)(torch.zeros(k)).movedim(-1, 0)

    routes = {"jacfwd": forward}
    if mode == "vmap":
        chunks = [c for c in CHUNKS if c < k] + [k]
        routes = {f"vmap(jvp) in chunks of {c}": route(c) for c in (chunks[-1:] if quick else chunks)}
    # The fused attention kernel has no forward-mode formula.
    with sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        times = {name: _best(work) for name, work in routes.items()} if len(routes) > 1 else {}
        name = min(times, key=times.get) if times else next(iter(routes))

    def work() -> Tensor:
        with sdpa_kernel(SDPBackend.MATH), torch.no_grad():
            return routes[name]()

    @torch.no_grad()
    def primal() -> float:
        return _best(lambda: f(point), 5)

    facts = {
        "route": name,
        "tried": ", ".join(f"{key} {ms:.0f}" for key, ms in times.items()),
        "primal_ms": primal(),
    }
    return facts, work, lambda value: {"dots": (value.reshape(k, -1) @ r).tolist()}


def _best(work, runs: int = 2) -> float:
    """Best of some runs in milliseconds."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return min(times)
