"""Losses: mean negative log-likelihood, and the two-sided one of negative training (spec llr-flows-ncis 2.3)."""

from __future__ import annotations

import torch
from torch import Tensor


def negative_loss(nll_inside: Tensor, nll_outside: Tensor, threshold: float) -> tuple[Tensor, int]:
    """0.5 (mean NLL inside + mean of -NLL outside over rows above the threshold), and how many those are.

    Rows of the other set whose log p is at or below `threshold` are far enough away and are left alone; when none is
    left, the loss is the mean NLL inside.
    """
    pushed = -nll_outside
    keep = pushed > threshold
    count = int(keep.sum())
    if count == 0:
        return nll_inside.mean(), 0
    return 0.5 * (nll_inside.mean() + pushed[keep].mean()), count


def finite(loss: Tensor, step: int) -> Tensor:
    """The loss, or an error: exp(s) of a diverged coupling gives NaN, which would spoil the weights."""
    if not bool(torch.isfinite(loss)):
        raise FloatingPointError(f"step {step}: expected a finite loss, got {float(loss)}; lower lr or clip")
    return loss
