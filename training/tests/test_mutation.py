"""Mutated training data: the formulas with explicit randomness, the rates, and the streams that use them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from synthetic import config, images, train, weights

from ood_training.config import TrainConfig
from ood_training.data.mutation import Mutation
from ood_training.data.stream import BatchStream
from ood_training.data.transforms import LEVELS, inverse_logit
from ood_training.export import export_run, load_ema


def test_categorical_vectors(vectors: Callable[[str], dict]) -> None:
    for case in vectors("llr-flows-ncis/mutate_categorical.json")["cases"]:
        mutation = Mutation(0.5, "categorical", case["feature_range"])
        got = mutation.shifted(
            torch.tensor(case["X"]), torch.tensor(case["bernoulli_mask"]), torch.tensor(case["shift_drawn_in_[lo+1,hi]"])
        )
        assert got.tolist() == case["expected"]


def test_uniform_vector(vectors: Callable[[str], dict], monkeypatch: pytest.MonkeyPatch) -> None:
    """A replacement r independent of x is the shift r - x; the draws are handed in where the generator's would be."""
    vector = vectors("dgm/ren_mutation.json")
    x = torch.tensor(vector["pixels"])
    shift = (torch.tensor(vector["replacements"]) - x) % 256
    # The vector's numbers are decimals, so rate and draws are compared in float64: 0.3 < 0.3 is false.
    monkeypatch.setattr(torch, "rand", lambda shape, generator: torch.tensor(vector["uniforms"], dtype=torch.float64))
    monkeypatch.setattr(torch, "randint", lambda first, last, shape, generator: shift)
    assert Mutation(vector["rate"], "uniform")(x, torch.Generator()).tolist() == vector["out"]


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.9])
@pytest.mark.parametrize("value_range", [(0, 255), (0, 3)])
def test_rates_and_distribution(rate: float, value_range: tuple[int, int]) -> None:
    n, values = 100_000, value_range[1] + 1
    start = torch.full((n,), 2.0)
    generator = torch.Generator().manual_seed(0)
    for kind, share in (("categorical", 1.0), ("uniform", (values - 1) / values)):
        out = Mutation(rate, kind, value_range)(start, generator)
        changed = out[out != 2]
        expected = rate * share
        # Five standard deviations of a binomial share; the others' values are uniform with a deviation below values / 3.
        assert abs(len(changed) / n - expected) < 5 * (expected * (1 - expected) / n) ** 0.5
        others = [v for v in range(values) if v != 2]
        assert abs(float(changed.mean()) - np.mean(others)) < 5 * values / 3 / len(changed) ** 0.5
        assert sorted(changed.unique().long().tolist()) == others
        assert out.dtype == start.dtype


def test_rate_one_replaces_everything_and_shape_is_kept() -> None:
    x = torch.arange(256, dtype=torch.uint8).view(4, 1, 8, 8)
    out = Mutation(1.0)(x, torch.Generator().manual_seed(1))
    assert out.dtype == torch.uint8 and out.shape == x.shape and not (out == x).any()
    assert Mutation(1.0)(x[:0], torch.Generator()).shape == (0, 1, 8, 8)


@pytest.mark.parametrize(("changes", "message"), [
    ({"rate": 0}, "rate"), ({"rate": 1.5}, "rate"), ({"rate": 0.1, "kind": "swap"}, "kind"),
    ({"rate": 0.1, "value_range": (1, 5)}, "value_range"), ({"rate": 0.1, "value_range": (0, 0)}, "value_range"),
])
def test_bad_mutations_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f"mutation.{message}"):
        Mutation(**changes)


def pixels_of(batch: torch.Tensor) -> torch.Tensor:
    """The integers a batch in model space was dequantised from."""
    return torch.floor(inverse_logit(batch.double()) * LEVELS + 1e-3).long()


def test_flow_batches_are_mutated_before_noise_and_repeat_by_step() -> None:
    data = images(64)
    plain, mutated = BatchStream(data, 16, seed=3), BatchStream(data, 16, seed=3, mutation=Mutation(0.3, "uniform"))
    clean, noisy = plain.at(5)[0], mutated.at(5)[0]
    same = pixels_of(clean) == pixels_of(noisy)
    # 1024 pixels, so 0.06 is four standard deviations.
    assert float(same.float().mean()) == pytest.approx(1 - 0.3 * 255 / 256, abs=0.06)
    # Where the pixel survived, so did its noise.
    assert torch.equal(clean[same], noisy[same])
    later = BatchStream(data, 16, seed=3, start=5, mutation=Mutation(0.3, "uniform"))
    assert torch.equal(next(iter(later))[0], noisy)

    # One image alone is every batch: each step mutates it anew.
    alone = BatchStream(data[:1], 1, seed=3, mutation=Mutation(0.3, "uniform"))
    assert not torch.equal(pixels_of(alone.at(0)[0]), pixels_of(alone.at(1)[0]))


def test_configuration_round_trips_and_old_ones_still_load() -> None:
    settings = config("affine", mutation=Mutation(0.2, "uniform"), init="some-run")
    assert TrainConfig.from_dict(settings.to_dict()) == settings
    old = settings.to_dict()
    del old["mutation"], old["init"]
    assert TrainConfig.from_dict(old) == config("affine")


def test_background_flow_starts_from_the_semantic_one_and_resumes(tmp_path: Path) -> None:
    train(tmp_path / "semantic", config("affine", steps=3), validate_every=3)
    start = load_ema(tmp_path / "semantic" / "best.ckpt")[0].state_dict()
    settings = config("affine", steps=5, mutation=Mutation(0.3), init="semantic")
    frozen = config("affine", steps=1, mutation=Mutation(0.3), init="semantic")
    frozen.lr = frozen.weight_decay = 0.0
    untouched = train(tmp_path / "frozen", frozen)
    assert all(torch.equal(value, start[key]) for key, value in untouched.flow.state_dict().items())
    frozen.init_norms = True
    norms = train(tmp_path / "norms", frozen)
    for key, value in norms.flow.state_dict().items():
        assert torch.equal(value, start[key]) != (".norm." in key), key
    # Set from mutated images, they put the first step's output of those images at mean 0 and deviation 1.
    x = norms.trainer.datamodule.initial_images(frozen.init_images)
    out = norms.flow.levels[0][0].linear.norm
    squeezed = torch.nn.functional.pixel_unshuffle(x, 2)
    y = squeezed * out.log_scale.exp()[:, None, None] + out.shift[:, None, None]
    assert y.mean((0, 2, 3)).abs().max() < 1e-4 and (y.std((0, 2, 3)) - 1).abs().max() < 1e-3

    whole = train(tmp_path / "whole", settings)
    train(tmp_path / "cut", settings, stop_at=2)
    (tmp_path / "semantic" / "best.ckpt").unlink()
    resumed = train(tmp_path / "cut", settings)
    assert resumed.global_step == 5 and torch.equal(weights(whole), weights(resumed))
    plain = train(tmp_path / "plain", config("affine", steps=5, init=str(tmp_path / "semantic" / "last.ckpt")))
    assert not torch.equal(weights(whole), weights(plain))


def test_background_manifest_names_its_role_mutation_and_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "start").mkdir()
    train(tmp_path / "start", config("affine", steps=2), validate_every=2)
    settings = config("affine", mutation=Mutation(0.3, "uniform"), init="start")
    train(tmp_path / "background", settings)
    monkeypatch.setattr("ood_training.export.train_validation", lambda *_: (images(64), images(32, seed=1)))
    entry = export_run(tmp_path / "background" / "last.ckpt", tmp_path / "out", test=False, check_images=4)
    assert entry["role"] == "background"
    assert entry["mutation"] == {"rate": 0.3, "kind": "uniform", "valueRange": [0, 255]}
    assert entry["training"]["config"]["init"] == "start"
    clean, mutated = entry["metrics"]["bitsPerDim"], entry["metrics"]["mutatedBitsPerDim"]
    # A few steps from the clean flow, noise is still the harder data by far.
    assert mutated["validation"] > clean["validation"] + 0.1
    semantic = export_run(tmp_path / "start" / "last.ckpt", tmp_path / "out2", test=False, check_images=4)
    assert semantic["role"] == "semantic" and semantic["mutation"] is None and "mutatedBitsPerDim" not in semantic["metrics"]
