"""Single layers against golden vectors and against autograd."""

from __future__ import annotations

import math

import pytest
import torch

from ood_training.flows import affine, spline
from ood_training.flows.linear import NormalizedLinear
from ood_training.flows.squeeze import squeeze, unsqueeze


def test_squeeze_vector(flow_layers: dict) -> None:
    case = flow_layers["squeeze"]
    x = torch.tensor(case["input_1x4x4"]).float()[None]
    want = torch.tensor(case["output_4x2x2"]).float()[None]
    assert torch.equal(squeeze(x, case["factor"]), want)
    assert torch.equal(unsqueeze(want, case["factor"]), x)


def test_affine_vector(flow_layers: dict) -> None:
    for row in flow_layers["affine"]:
        x = torch.tensor([[row["x"]]], dtype=torch.float64)
        params = torch.tensor([[row["unconstrained_scale"], row["shift"]]], dtype=torch.float64)
        y, logd = affine.forward(x, params)
        # float64 against float64 of the same closed form.
        assert y.item() == pytest.approx(row["y"], abs=1e-12)
        assert logd.item() == pytest.approx(row["log_det"], abs=1e-12)
        assert affine.inverse(y, params).item() == pytest.approx(row["x"], abs=1e-12)


def test_spline_vector(flow_layers: dict) -> None:
    case = flow_layers["rqs"]
    raw = [*case["unnormalized_widths"], *case["unnormalized_heights"], *case["unnormalized_derivatives"]]
    bins = len(case["unnormalized_widths"])
    for row in case["rows"]:
        x = torch.tensor([row["x"]], dtype=torch.float64)
        params = torch.tensor([raw], dtype=torch.float64)
        y, logd = spline.spline(x, params, bins, case["tail_bound"])
        back, logi = spline.spline(y, params, bins, case["tail_bound"], inverse=True)
        assert y.item() == pytest.approx(row["y"], abs=1e-10)
        assert logd.item() == pytest.approx(row["log_det"], abs=1e-10)
        assert back.item() == pytest.approx(row["x"], abs=1e-9)
        assert logi.item() == pytest.approx(-row["log_det"], abs=1e-8)


def test_spline_is_monotone_with_the_slope_it_reports() -> None:
    generator = torch.Generator().manual_seed(1)
    params = 2 * torch.randn(1, 11, generator=generator, dtype=torch.float64)
    x = torch.linspace(-3.7, 3.7, 501, dtype=torch.float64, requires_grad=True)
    y, logd = spline.spline(x, params.expand(501, 11), bins=4, bound=3.0)
    (slope,) = torch.autograd.grad(y.sum(), x)
    assert (y.diff() > 0).all()
    # Autograd is the oracle; both are float64.
    assert torch.allclose(slope.log(), logd, atol=1e-9)


def test_actnorm_standardises_its_first_batch() -> None:
    layer = NormalizedLinear(6, torch.Generator().manual_seed(0))
    x = 3 + 5 * torch.randn(64, 6, 4, 4)
    layer.norm.initialize(x)
    y, logdet = layer(x)
    # At the start the linear part is a permutation, so the moments are those ActNorm chose.
    assert torch.allclose(y.mean((0, 2, 3)), torch.zeros(6), atol=1e-4)
    assert torch.allclose(y.std((0, 2, 3)), torch.ones(6), atol=1e-3)
    assert logdet.item() == pytest.approx(-16 * x.std((0, 2, 3)).log().sum().item(), abs=1e-2)


def test_linear_logdet_is_that_of_its_matrix() -> None:
    layer = NormalizedLinear(5, torch.Generator().manual_seed(0)).double()
    with torch.no_grad():
        for p in layer.parameters():
            p.add_(0.3 * torch.randn_like(p))
    x = torch.randn(3, 5, 2, 3, dtype=torch.float64)
    y, logdet = layer(x)
    weight, _ = layer.affine()
    assert logdet.item() == pytest.approx(6 * torch.linalg.slogdet(weight)[1].item(), abs=1e-10)
    assert torch.allclose(layer.inverse(y), x, atol=1e-10)


def test_affine_scale_is_bounded() -> None:
    scale, _ = affine.scale_and_shift(torch.tensor([[-1e4, 0.0], [1e4, 0.0]]))
    assert scale.min() >= 1e-3 and scale.max() <= 1.0 + 1e-3
    assert math.isfinite(scale.log().sum().item())
