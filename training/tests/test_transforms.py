"""Dequantisation and logit: closed forms, autograd, and bits per dimension of a known density."""

from __future__ import annotations

import pytest
import torch

from ood_training.data import transforms as t


def test_logit_logdet_is_the_autograd_derivative() -> None:
    y = torch.rand(3, 1, 2, 2, dtype=torch.float64, requires_grad=True)
    v = t.logit(y)
    (slope,) = torch.autograd.grad(v.sum(), y)
    assert torch.allclose(slope.log().flatten(1).sum(1), t.logit_logdet(y), atol=1e-10)


def test_inverse_restores_every_pixel() -> None:
    pixels = torch.arange(256).reshape(1, 1, 16, 16)
    noise = torch.rand(1, 1, 16, 16, dtype=torch.float64) * 0.98 + 0.01
    v, _ = t.preprocess(pixels, noise)
    assert torch.equal(t.quantize(t.inverse_logit(v)).long(), pixels)


def test_uniform_pixels_cost_eight_bits() -> None:
    """If y is uniform on [0, 1), log p(v) = -log|dv/dy| and every pixel costs log2 256 bits."""
    _, logdet = t.preprocess(torch.randint(0, 256, (4, 1, 5, 5)), torch.rand(4, 1, 5, 5))
    assert torch.allclose(t.bits_per_dim(-logdet, logdet, 25), torch.full((4,), 8.0))


def test_extremes_are_finite() -> None:
    v, logdet = t.preprocess(torch.tensor([[[[0, 255]]]]), torch.tensor([[[[0.0, 1 - 2**-24]]]]))
    assert torch.isfinite(v).all() and torch.isfinite(logdet).all()
    # p = 0.05 exactly at black: ln(0.05 / (0.95 + 1e-6)).
    assert v[0, 0, 0, 0].item() == pytest.approx(-2.944440, abs=1e-5)
