"""Jacobians by torch.func in float64, and what is stored of them.

A whole Jacobian is large, so two random projections are stored: J V for K directions V, from `jacfwd`, and U J for K
directions U, from `jacrev`. An engine that forms all columns of J at once is compared through U J, one that forms all
rows through J V: a wrong number anywhere in J changes both with probability one.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel


def exact(model: nn.Module) -> nn.Module:
    """A float64 copy with the same float32 weights."""
    return copy.deepcopy(model).double().eval()


def call(model: nn.Module, feeds: list[Tensor]) -> tuple[Tensor, ...]:
    out = model(*feeds)
    return out if isinstance(out, tuple) else (out,)


def jacobians(model: nn.Module, feeds: list[Tensor], mode: str) -> list[list[Tensor]]:
    """`[output][input]` Jacobians [N, *output, *input] of one row each, by jacfwd or jacrev in float64."""
    transform = torch.func.jacfwd if mode == "forward" else torch.func.jacrev
    rows = []
    places = tuple(range(len(feeds)))

    def row(*point: Tensor) -> tuple[Tensor, ...]:
        return tuple(y[0] for y in call(model, [p[None] for p in point]))

    # The fused kernels of attention have no forward-mode formula.
    with sdpa_kernel(SDPBackend.MATH):
        for i in range(len(feeds[0])):
            rows.append(transform(row, argnums=places)(*[feed[i] for feed in feeds]))
    return [[torch.stack([r[o][k] for r in rows]) for k in places] for o in range(len(rows[0]))]


def projections(model: nn.Module, feeds: dict[str, Tensor], outputs: tuple[str, ...], k: int, seed: int) -> dict:
    """Values and both projections at the feeds [N, ...]; every tensor float64.

    `tangents[x]` [K, N, ...x], `jvp[y]` [K, N, ...y] = sum over inputs of J V; `cotangents[y]` [K, N, ...y],
    `vjp[x]` [K, N, ...x] = sum over outputs of U J.
    """
    net = exact(model)
    points = [feed.double() for feed in feeds.values()]
    rows = len(points[0])
    with torch.no_grad():
        values = call(net, points)
    generator = torch.Generator().manual_seed(seed)
    draw = lambda like: torch.randn(k, *like.shape, generator=generator).double()  # noqa: E731
    tangents, cotangents = [draw(p) for p in points], [draw(y) for y in values]
    forward, reverse = jacobians(net, points, "forward"), jacobians(net, points, "reverse")
    flat = lambda J, y, x: J.reshape(rows, y[0].numel(), x[0].numel())  # noqa: E731
    jvp = [
        sum(
            torch.einsum("nyx,knx->kny", flat(forward[o][i], y, x), tangents[i].reshape(k, rows, -1))
            for i, x in enumerate(points)
        ).reshape(k, *y.shape)
        for o, y in enumerate(values)
    ]
    vjp = [
        sum(
            torch.einsum("nyx,kny->knx", flat(reverse[o][i], y, x), cotangents[o].reshape(k, rows, -1))
            for o, y in enumerate(values)
        ).reshape(k, *x.shape)
        for i, x in enumerate(points)
    ]
    names = list(feeds)
    return {
        "x": dict(zip(names, points)),
        "y": dict(zip(outputs, values)),
        "tangents": dict(zip(names, tangents)),
        "jvp": dict(zip(outputs, jvp)),
        "cotangents": dict(zip(outputs, cotangents)),
        "vjp": dict(zip(names, vjp)),
    }
