"""From raw rows to log-likelihoods: dequantisation, symmetric logit, bits per dimension, and averages over noise draws."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEVELS = 256
C = 0.9

#: the manifest's `preprocessing`: named transforms with their parameters, in the order they are applied.
PREPROCESSING = [{"name": "dequantize", "levels": LEVELS}, {"name": "symmetric-logit", "c": C}]


def preprocess(pixels: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Model-space v and log|dv/dy| [N], y = (k + u) / 256, of integer pixels k and uniform noise u of the same shape.

    p = (1 + c (2 y - 1)) / 2 and v = ln p - ln(1 - p), so log|dv/dy| = softplus(v) + softplus(-v) + ln c.
    """
    y = (pixels.to(noise.dtype) + noise) / LEVELS
    p = (1 + C * (2 * y - 1)) / 2
    v = torch.log(p) - torch.log1p(-p)
    return v, (F.softplus(v) + F.softplus(-v) + math.log(C)).flatten(1).sum(1)


def inverse(v: Tensor, compat: bool = False) -> Tensor:
    """y in [0, 1] of v; `compat` gives the reference's sigmoid(v), which forgets the affine map (quirk Q5)."""
    p = torch.sigmoid(v)
    return p if compat else (((2 * p - 1) / C + 1) / 2).clamp(0, 1)


def pixels_of(v: Tensor) -> Tensor:
    """Whole pixels 0..255 of model-space v."""
    return torch.floor(inverse(v) * LEVELS).clamp(0, LEVELS - 1).to(torch.uint8)


def log_likelihood(log_prob: Tensor, logdet: Tensor, dim: int, exact_discrete: bool = True) -> Tensor:
    """log p of the bytes [N] in nats: log p(v) + log|dv/dy| - D ln 256.

    `exact_discrete=False` adds D ln(255/256), which the reference gets by differentiating with respect to k / 255.
    """
    total = log_prob + logdet - dim * math.log(LEVELS)
    return total if exact_discrete else total + dim * math.log((LEVELS - 1) / LEVELS)


def bits_per_dim(log_likelihood: Tensor, dim: int) -> Tensor:
    return -log_likelihood / (dim * math.log(2))


@torch.no_grad()
def rows_log_likelihood(
    flow: nn.Module, rows: Tensor, seed: int = 777, draws: int = 1, batch: int = 250, exact_discrete: bool = True
) -> Tensor:
    """log p of each row [N], float64: images are dequantised with `draws` noises whose likelihoods are averaged.

    The average is of log p, as in the reference; rows of floats (tables) have no noise and one draw.
    """
    generator = torch.Generator().manual_seed(seed)
    if rows.dtype != torch.uint8:
        return torch.cat([flow.log_prob(chunk).double() for chunk in rows.split(batch)])
    out = []
    for chunk in rows.split(batch):
        total = torch.zeros(len(chunk), dtype=torch.float64)
        for _ in range(draws):
            v, logdet = preprocess(chunk, torch.rand(chunk.shape, generator=generator))
            total += log_likelihood(flow.log_prob(v).double(), logdet.double(), flow.dim, exact_discrete)
        out.append(total / draws)
    return torch.cat(out)


def auroc(inside: Tensor, outside: Tensor) -> float:
    """AUROC with inside as positives and log p as score; ties count half. Below 0.5: outside is rated likelier."""
    order = torch.sort(outside.double()).values
    below = torch.searchsorted(order, inside.double(), right=False)
    upto = torch.searchsorted(order, inside.double(), right=True)
    return float((below + upto).double().mean() / 2 / len(outside))
