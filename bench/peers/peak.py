"""A large PyTorch matrix product: how fast this machine can be."""

from __future__ import annotations

import torch


def prepare(type: str, threads: int, n: int):
    torch.set_num_threads(threads)
    a = torch.full((n, n), 0.5, dtype=getattr(torch, type))
    out = torch.empty_like(a)
    return {}, lambda: torch.matmul(a, a, out=out), lambda _: {}
