"""Discretised mixture of logistics: the exact log-probability of integer pixels (Salimans et al. 2017; spec 1.4)."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

#: scales are softplus(raw) + exp(-7), in units of the [-1, 1] frame.
MIN_SCALE = math.exp(-7)


def split_params(out: Tensor, components: int, channels: int) -> dict[str, Tensor]:
    """Head output [B, M * P, H, W] -> logits [B, M, H, W], locations and scales [B, M, C, H, W], coefficients [B, M, K, H, W]."""
    b, _, h, w = out.shape
    out = out.reshape(b, components, -1, h, w)
    logits, rest = out[:, :, 0], out[:, :, 1:]
    params = {
        "logits": logits,
        "locations": rest[:, :, :channels],
        "scales": F.softplus(rest[:, :, channels : 2 * channels]) + MIN_SCALE,
    }
    if channels > 1:
        params["coefficients"] = rest[:, :, 2 * channels :]
    return params


def head_size(components: int, channels: int) -> int:
    """Numbers per pixel: per component a logit, C locations, C scales and C (C - 1) / 2 coefficients."""
    return components * (1 + 2 * channels + channels * (channels - 1) // 2)


def shifted_locations(params: dict[str, Tensor], channels: Tensor) -> Tensor:
    """Locations [B, M, C, H, W] after channel i has been shifted by its predecessors: l_i += coef_k channel_j, j < i."""
    locations = params["locations"]
    if "coefficients" not in params:
        return locations
    shifted, k = [locations[:, :, 0]], 0
    for i in range(1, locations.shape[2]):
        value = locations[:, :, i]
        for j in range(i):
            value = value + params["coefficients"][:, :, k] * channels[:, None, j]
            k += 1
        shifted.append(value)
    return torch.stack(shifted, 2)


def log_prob_per_pixel(
    params: dict[str, Tensor], pixels: Tensor, low: float = 0.0, high: float = 255.0, dependence: str = "normalized"
) -> Tensor:
    """log P of integer pixels [B, C, H, W] -> [B, H, W], in nats; one component is shared by the channels of a pixel."""
    half = (high - low) / 2
    seen = (pixels - low) / half - 1 if dependence == "normalized" else pixels
    mu = low + half * (shifted_locations(params, seen) + 1)
    sigma = half * params["scales"]
    v = pixels[:, None]
    a, b = (v + 0.5 - mu) / sigma, (v - 0.5 - mu) / sigma
    # log(1 - exp(-1/sigma)), since a - b = 1/sigma: exact where the two logistic functions nearly cancel.
    inside = F.logsigmoid(a) + F.logsigmoid(-b) + torch.log(-torch.expm1(-1 / sigma))
    each = torch.where(v <= low, F.logsigmoid(a), torch.where(v >= high, F.logsigmoid(-b), inside))
    return torch.logsumexp(F.log_softmax(params["logits"], 1) + each.sum(2), 1)
