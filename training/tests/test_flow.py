"""Whole flows: invertible, with the log-determinant autograd finds, folded without change."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ood_training.config import TrainConfig
from ood_training.flows import Flow, FlowConfig, LevelConfig
from ood_training.fold import FoldedFlow
from ood_training.make_fixtures import random_flow, tiny

COUPLINGS = ["affine", "rqs"]


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_decode_inverts_encode(coupling: str) -> None:
    flow = random_flow(tiny(coupling)).double()
    x = 2 * torch.randn(8, 1, 8, 8, dtype=torch.float64)
    z, logdet = flow.encode(x)
    assert z.shape == (8, 64) and logdet.shape == (8,)
    # Inverse matrices pass through float64; 1e-8 leaves room for the splines' quadratic.
    assert torch.allclose(flow.decode(z), x, atol=1e-8)


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_logdet_is_slogdet_of_the_autograd_jacobian(coupling: str) -> None:
    flow = random_flow(tiny(coupling)).double()
    x = torch.randn(1, 1, 8, 8, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda v: flow.encode(v)[0], x).reshape(64, 64)
    _, logdet = flow.encode(x)
    assert logdet.item() == pytest.approx(torch.linalg.slogdet(jacobian)[1].item(), abs=1e-8)


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_folding_changes_nothing(coupling: str) -> None:
    flow = random_flow(tiny(coupling))
    folded = FoldedFlow(flow)
    x = torch.randn(5, 1, 8, 8)
    (z, logdet), (fz, flogdet) = flow.encode(x), folded.encode(x)
    # float32 rounding of values of order 1, and of a sum of 64 terms of order 100.
    assert torch.allclose(z, fz, atol=1e-4)
    assert torch.allclose(logdet, flogdet, atol=1e-3)
    assert torch.allclose(flow.decode(z), folded.decode(z), atol=1e-4)


def test_density_of_a_fresh_flow_integrates_to_one() -> None:
    """A 2-D flow on a grid: a wrong log-determinant or base would not sum to one."""
    config = FlowConfig(coupling="rqs", shape=(2, 1, 1), bins=4, levels=[LevelConfig(1, 3, "dense", 8, 1)])
    torch.manual_seed(0)
    flow = Flow(config).double()
    with torch.no_grad():
        for p in flow.parameters():
            p.add_(0.3 * torch.randn_like(p))
    side = torch.linspace(-14, 14, 561, dtype=torch.float64)
    grid = torch.cartesian_prod(side, side).reshape(-1, 2, 1, 1)
    with torch.no_grad():
        total = flow.log_prob(grid).exp().sum() * (side[1] - side[0]) ** 2
    # Trapezoid sums of smooth, decaying functions converge fast; splines have kinks in the second derivative.
    assert total.item() == pytest.approx(1.0, abs=2e-3)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="expected affine or rqs, got glow"):
        Flow(FlowConfig(coupling="glow", shape=(1, 2, 2), levels=[LevelConfig(2, 1)]))
    with pytest.raises(ValueError, match="expected a divisor"):
        Flow(FlowConfig(shape=(1, 3, 3), levels=[LevelConfig(2, 1)]))


def test_the_reference_sized_flow_has_the_reference_parameter_count() -> None:
    path = Path(__file__).parents[1] / "configs" / "flow-fmnist-rqs.toml"
    flow = Flow(TrainConfig.read(path).flow)
    # dgm spec 2.1.2 counts about 3.66 million; the first ActNorm, which the reference lacks, has 8 numbers.
    assert flow.parameter_count() == pytest.approx(3.66e6, abs=5e3)


@pytest.mark.parametrize("floor", [1e-3, 0.05])
def test_floor_and_clamp_keep_the_flow_exact(floor: float) -> None:
    config = tiny("affine")
    config.min_scale, config.clamp = floor, 0.5
    flow = random_flow(config).double()
    x = 3 * torch.randn(1, 1, 8, 8, dtype=torch.float64)
    z, logdet = flow.encode(x)
    jacobian = torch.autograd.functional.jacobian(lambda v: flow.encode(v)[0], x).reshape(64, 64)
    assert torch.allclose(flow.decode(z), x, atol=1e-8)
    assert logdet.item() == pytest.approx(torch.linalg.slogdet(jacobian)[1].item(), abs=1e-8)
