"""Golden inputs and outputs of an exported flow, computed in float64 from the very weights in the graphs."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from .flows import Flow
from .fold import FoldedFlow


class Folded(Protocol):
    """A flow as it is exported."""

    dim: int

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]: ...

    def decode(self, z: Tensor) -> Tensor: ...


def golden(flow: Flow, x: Tensor, directions: int = 3, seed: int = 11) -> dict:
    """`golden_of` of our own flow."""
    return golden_of(FoldedFlow(flow), x, directions, seed)


def golden_of(flow: Folded, x: Tensor, directions: int = 3, seed: int = 11) -> dict:
    """encode, log-determinant, log p and decode at x; decode and decoder JVPs at fresh latents.

    `tangents` is [K, N, D]; `decodeJvp` is [K, N, C, H, W], the derivative of decode at `z` along each tangent.
    """
    folded = copy.deepcopy(flow).double()
    generator = torch.Generator().manual_seed(seed)
    # Inputs are rounded to float32, so a float32 runner reads exactly these numbers.
    x = x.float().double()
    z = torch.randn(len(x), flow.dim, generator=generator).double()
    tangents = torch.randn(directions, len(x), flow.dim, generator=generator).double()
    with torch.no_grad():
        latent, logdet = folded.encode(x)
        log_prob = logdet - 0.5 * (latent * latent).sum(1) - 0.5 * flow.dim * math.log(2 * math.pi)
        decoded = folded.decode(z)
    jvps = torch.stack([torch.func.jvp(folded.decode, (z,), (t,))[1] for t in tangents])
    return {
        "how": "float64 PyTorch with the float32 weights of the graphs; JVP by torch.func.jvp",
        "encode": {"x": rounded(x), "z": rounded(latent), "logdet": rounded(logdet), "logProb": rounded(log_prob)},
        "decode": {"z": rounded(z), "x": rounded(decoded), "tangents": rounded(tangents), "xTangents": rounded(jvps)},
    }


def rounded(values: Tensor) -> list:
    def short(v: object) -> object:
        return [short(i) for i in v] if isinstance(v, list) else float(f"{v:.9g}")

    return short(values.tolist())


def write_golden(flow: Flow, x: Tensor, folder: Path, **options: int) -> dict:
    return save_golden(golden(flow, x, **options), folder)


def save_golden(values: dict, folder: Path) -> dict:
    (folder / "golden.json").write_text(json.dumps(values) + "\n")
    return values
