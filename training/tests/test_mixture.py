"""The discretised mixture of logistics: golden vectors, a sum over all pixel values, plain differences of sigmoids."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ood_training.autoregressive.mixture import MIN_SCALE, head_size, log_prob_per_pixel, split_params


def tensor(values: object) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def case(vector: dict) -> tuple[dict[str, Tensor], Tensor]:
    """Parameters [B, M, ...] and pixels [B, C, H, W] of a vector that has them with channels last."""
    pixels = tensor(vector["x"]).permute(0, 3, 1, 2)
    params = {"logits": tensor(vector["component_logits"]).permute(0, 3, 1, 2)}
    for ours, theirs in (("locations", "locs"), ("scales", "scales"), ("coefficients", "coeffs")):
        if theirs in vector:
            params[ours] = tensor(vector[theirs]).permute(0, 3, 4, 1, 2)
    return params, pixels


def head_output(vector: dict) -> Tensor:
    """What a network's head would give: per component a logit, locations, raw scales and coefficients."""
    parts = [tensor(vector["component_logits"])[..., None], tensor(vector["locs"]), tensor(vector["scales_raw"])]
    if "coeffs" in vector:
        parts.append(tensor(vector["coeffs"]))
    return torch.cat(parts, -1).flatten(3).permute(0, 3, 1, 2)


def one_component(mu: float, sigma: float, pixels: Tensor) -> Tensor:
    """log P of pixels [N] under one logistic given in units of pixels."""
    shape = (len(pixels), 1, 1, 1, 1)
    params = {
        "logits": torch.zeros(len(pixels), 1, 1, 1, dtype=torch.float64),
        "locations": torch.full(shape, mu / 127.5 - 1, dtype=torch.float64),
        "scales": torch.full(shape, sigma / 127.5, dtype=torch.float64),
    }
    return log_prob_per_pixel(params, pixels.view(-1, 1, 1, 1)).flatten()


def test_one_channel(vectors: Callable[[str], dict]) -> None:
    vector = vectors("llr-flows-ncis/logistic_mixture_1ch.json")
    params, pixels = case(vector)
    got = log_prob_per_pixel(params, pixels, vector["low"], vector["high"])
    exact = {"rtol": 0, "atol": vector["tolerance_float64"]}
    torch.testing.assert_close(got, tensor(vector["expected_log_prob_per_pixel"]), **exact)
    torch.testing.assert_close(got.sum((1, 2)), tensor(vector["expected_log_prob_per_image"]), **exact)
    bits = -got.sum((1, 2)) / (math.log(2) * pixels[0].numel())
    torch.testing.assert_close(bits, tensor(vector["expected_bits_per_dim"]), **exact)
    single = {key: value.float() for key, value in params.items()}
    torch.testing.assert_close(
        log_prob_per_pixel(single, pixels.float()).double(), got, rtol=0, atol=vector["tolerance_float32"]
    )


def test_single_logistics(vectors: Callable[[str], dict]) -> None:
    vector = vectors("llr-flows-ncis/logistic_mixture_1ch.json")
    for row in vector["single_component_pixel_frame_cases"]:
        got = float(one_component(row["mu"], row["s"], tensor([row["x"]])))
        assert got == pytest.approx(row["log_pmf"], abs=vector["tolerance_float64"]), row
    for mu, sigma, total in vector["pmf_sums_over_256_values_[mu,s,sum]"]:
        assert float(one_component(mu, sigma, torch.arange(256.0).double()).exp().sum()) == pytest.approx(total, abs=1e-12)


@pytest.mark.parametrize("dependence", ["raw", "normalized"])
def test_three_channels(dependence: str, vectors: Callable[[str], dict]) -> None:
    vector = vectors("llr-flows-ncis/logistic_mixture_3ch.json")
    params, pixels = case(vector)
    got = log_prob_per_pixel(params, pixels, vector["low"], vector["high"], dependence)
    exact = {"rtol": 0, "atol": vector["tolerance_float64"]}
    torch.testing.assert_close(got, tensor(vector[f"expected_{dependence}_per_pixel"]), **exact)
    torch.testing.assert_close(got.sum((1, 2)), tensor(vector[f"expected_{dependence}_per_image"]), **exact)


@pytest.mark.parametrize("name", ["logistic_mixture_1ch", "logistic_mixture_3ch"])
def test_head_output_is_split_in_the_order_of_the_vectors(name: str, vectors: Callable[[str], dict]) -> None:
    vector = vectors(f"llr-flows-ncis/{name}.json")
    params, pixels = case(vector)
    components, channels = params["logits"].shape[1], pixels.shape[1]
    out = head_output(vector)
    assert out.shape[1] == head_size(components, channels)
    got = split_params(out, components, channels)
    assert got.keys() == params.keys()
    for key, value in params.items():
        torch.testing.assert_close(got[key], value, rtol=1e-12, atol=1e-12, msg=key)
    assert float(split_params(torch.full((1, 3, 1, 1), -1e4), 1, 1)["scales"]) == pytest.approx(MIN_SCALE)


@pytest.mark.parametrize(("low", "high"), [(0, 255), (0, 3), (-2, 5)])
@pytest.mark.parametrize("dependence", ["raw", "normalized"])
def test_probabilities_of_all_values_sum_to_one(low: int, high: int, dependence: str) -> None:
    """Over the joint values of two channels (few levels), or one channel (256)."""
    generator = torch.Generator().manual_seed(0)
    channels = 1 if high == 255 else 2
    values = torch.arange(low, high + 1).double()
    pixels = torch.cartesian_prod(*[values] * channels).view(-1, channels, 1, 1)
    out = torch.randn(1, head_size(3, channels), 1, 1, generator=generator, dtype=torch.float64)
    params = {key: value.expand(len(pixels), *value.shape[1:]) for key, value in split_params(out, 3, channels).items()}
    log_p = log_prob_per_pixel(params, pixels, low, high, dependence)
    assert float(log_p.exp().sum()) == pytest.approx(1, abs=1e-12)


def test_stable_form_is_the_difference_of_sigmoids() -> None:
    """Where the plain difference is accurate, i.e. within a few scales of the location."""
    pixels = torch.arange(90.0, 111.0).double()
    got = one_component(100.3, 7.0, pixels).exp()
    want = torch.sigmoid((pixels + 0.5 - 100.3) / 7) - torch.sigmoid((pixels - 0.5 - 100.3) / 7)
    torch.testing.assert_close(got, want, rtol=1e-12, atol=0)


def test_far_tails_and_gradients_stay_finite_in_single_precision() -> None:
    params = {
        "logits": torch.zeros(3, 1, 1, 1), "locations": torch.tensor([-9.0, 0.0, 9.0]).view(3, 1, 1, 1, 1).requires_grad_(),
        "scales": torch.full((3, 1, 1, 1, 1), MIN_SCALE),
    }
    log_p = log_prob_per_pixel(params, torch.tensor([200.0, 3.0, 0.0]).view(3, 1, 1, 1))
    (slope,) = torch.autograd.grad(log_p.sum(), params["locations"])
    assert torch.isfinite(log_p).all() and (log_p < -1000).all()
    # Moving the location towards the pixel helps: the first is too low, the others too high.
    assert slope.flatten().sign().tolist() == [1, -1, -1]
