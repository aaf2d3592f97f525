"""Score networks: the SDEs solve their equations, training learns and resumes, exports agree with PyTorch."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from synthetic import images

from ood_training.diffusion.config import DiffusionConfig
from ood_training.diffusion.data import NoisyBatches, ScoreData
from ood_training.diffusion.export import compare, load_ema, write_checkpoint, write_graph
from ood_training.diffusion.mlp import MlpUNetConfig
from ood_training.diffusion.objective import draw_times, loss_per_image
from ood_training.diffusion.precondition import ScoreNetwork
from ood_training.diffusion.sample import grid_png, sample
from ood_training.diffusion.sde import SDES, VariancePreserving, make_sde, sde_config
from ood_training.diffusion.train import fit
from ood_training.diffusion.unet import UNetConfig

UNET = UNetConfig(shape=[1, 8, 8], patch=2, channels=[8, 16], blocks=1, attention=[1], heads=2, groups=4)
MLP = MlpUNetConfig(shape=[3], hidden=[16, 8], time=8)


def config(net: UNetConfig | MlpUNetConfig = UNET, **values: object) -> DiffusionConfig:
    return DiffusionConfig(name="test", dataset="synthetic", net=net, batch=16, lr=2e-3, warmup=2, ema=0.9, **values)


def train(folder: Path, settings: DiffusionConfig, steps: int, rows: tuple[np.ndarray, np.ndarray] | None = None):
    rows = rows or (images(64), images(32, seed=5))
    options = {"accelerator": "cpu", "devices": 1, "log_every": 1000, "validate_every": steps, "max_steps": steps}
    return fit(settings, ScoreData(settings, rows), folder, **options)


@pytest.mark.parametrize("name", sorted(SDES))
def test_moments_solve_the_equations_of_the_sde(name: str) -> None:
    """mean' = f mean and (std^2)' = 2 f std^2 + g^2, by central differences in float64."""
    sde = make_sde({"name": name})
    assert make_sde(sde_config(sde)) == sde
    t, h = torch.linspace(0.02, 0.98, 25, dtype=torch.float64), 1e-5
    drift = sde.drift(torch.ones_like(t), t)
    slope = (sde.mean(t + h) - sde.mean(t - h)) / (2 * h)
    torch.testing.assert_close(slope, drift * sde.mean(t), rtol=1e-7, atol=1e-9)
    variance = (sde.std(t + h) ** 2 - sde.std(t - h) ** 2) / (2 * h)
    # Second-order differences of a third derivative up to 1e3 g^2: h^2 of it.
    torch.testing.assert_close(variance, 2 * drift * sde.std(t) ** 2 + sde.diffusion_squared(t), rtol=1e-6, atol=1e-8)


def test_small_times_keep_their_digits_in_float32() -> None:
    t = torch.tensor([1e-6, 1e-4, 1e-2])
    want = np.sqrt(-np.expm1(-(0.1 * t.double() + 9.95 * t.double() ** 2).numpy()))
    np.testing.assert_allclose(VariancePreserving().std(t).numpy(), want, rtol=1e-6)


@pytest.mark.parametrize("weighting", ["v", "epsilon", "likelihood"])
def test_the_true_score_of_a_gaussian_beats_its_neighbours(weighting: str) -> None:
    """For x ~ N(0, s^2 I) the best noise prediction is std x_t / (mean^2 s^2 + std^2); shrinking or stretching it loses."""
    spread, sde = 0.7, VariancePreserving()

    class Linear(torch.nn.Module):
        factor = 1.0

        def forward(self, unit: torch.Tensor, log_tau: torch.Tensor) -> torch.Tensor:
            m, s = torch.rsqrt(1 + torch.exp(2 * log_tau)), torch.rsqrt(1 + torch.exp(-2 * log_tau))
            best = s / (m**2 * spread**2 + s**2)  # eps = m v + s x
            return self.factor * ((best - s) / m)[:, None] * unit

    generator = torch.Generator().manual_seed(0)
    x = spread * torch.randn(4000, 4, generator=generator)
    noise = torch.randn(x.shape, generator=generator)
    t = draw_times(sde, "log-tau", len(x), generator)
    net = ScoreNetwork(Linear(), sde)
    losses = []
    for factor in (0.8, 1.0, 1.25):
        net.net.factor = factor
        losses.append(float(loss_per_image(net, x, t, noise, weighting)[0].mean()))
    assert losses[1] < losses[0] and losses[1] < losses[2]


@pytest.mark.parametrize("kind", ["uniform", "log-tau"])
def test_times_are_in_range_stratified_and_repeatable(kind: str) -> None:
    one, two = (draw_times(VariancePreserving(), kind, 64, torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(one, two) and float(one.min()) > 0 and float(one.max()) <= 1
    log_tau = torch.log(VariancePreserving().std(one) / VariancePreserving().mean(one))
    if kind == "log-tau":
        # 85 % of 64 strata over [-5.5, 2.5]: every unit interval holds some.
        assert all(((log_tau >= low) & (log_tau < low + 1)).any() for low in range(-5, 2))


@pytest.mark.parametrize("net", [UNET, MLP], ids=["unet", "mlp"])
def test_training_lowers_the_loss_and_writes_checkpoints(net: UNetConfig | MlpUNetConfig, tmp_path: Path) -> None:
    rows = None
    if net is MLP:
        line = np.random.default_rng(0).normal(size=(96, 1)).astype(np.float32) * np.ones((1, 3), np.float32)
        rows = (line[:64], line[64:])
    settings = config(net)
    settings.lr = 1e-2
    module = train(tmp_path, settings, 60 if net is UNET else 300, rows)
    first = config(net).network()
    batch = NoisyBatches(module.trainer.datamodule.train, dataclasses.replace(settings, batch=64)).at(3)
    with torch.no_grad():
        before, after = (float(loss_per_image(n, *batch, "v")[0].mean()) for n in (first, module.ema))
    assert after < 0.9 * before
    assert (tmp_path / "best.ckpt").exists() and load_ema(tmp_path / "last.ckpt")[1] == settings


def test_resumed_run_equals_undisturbed_run(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", config(dataclasses.replace(UNET, dropout=0.2)), 7)
    train(tmp_path / "cut", config(dataclasses.replace(UNET, dropout=0.2)), 3)
    resumed = train(tmp_path / "cut", config(dataclasses.replace(UNET, dropout=0.2)), 7)
    assert resumed.global_step == 7
    for a, b in zip(whole.state_dict().values(), resumed.state_dict().values()):
        assert torch.equal(a, b)


@pytest.mark.parametrize("name", sorted(SDES))
@pytest.mark.parametrize("net", [UNET, MLP], ids=["unet", "mlp"])
def test_export_agrees_with_pytorch(name: str, net: UNetConfig | MlpUNetConfig, tmp_path: Path) -> None:
    settings = config(net, sde=make_sde({"name": name}))
    torch.manual_seed(1)
    network = settings.network().eval()
    for p in network.parameters():  # The zero-initialised ends, too, must carry something.
        p.data += 0.1 * torch.randn_like(p)
    write_graph(network, net.shape, tmp_path / "score.onnx")
    x = torch.randn(9, *net.shape, generator=torch.Generator().manual_seed(2))
    error = compare(tmp_path / "score.onnx", network, x)
    # float32 sums in another order; outputs are of order 1.
    assert error["maxAbs"] < 2e-5 and error["maxAbsSingle"] < 2e-5
    entry = write_checkpoint(network, settings, tmp_path, data={}, preprocessing=[], training={}, metrics=error)
    assert json.loads((tmp_path / "manifest.json").read_text()) == entry
    assert entry["sde"]["T"] == 1.0 and entry["graphs"]["score"]["inputs"] == {"x": ["N", *net.shape], "t": ["N"]}


def test_heun_samples_of_a_gaussian_have_its_moments() -> None:
    """The exact network of N(0, 0.5^2): v = (best - s) / m times the input, as above; 40 steps."""
    sde = VariancePreserving()

    class Exact(torch.nn.Module):
        def forward(self, unit: torch.Tensor, log_tau: torch.Tensor) -> torch.Tensor:
            m, s = torch.rsqrt(1 + torch.exp(2 * log_tau)), torch.rsqrt(1 + torch.exp(-2 * log_tau))
            return ((s / (m**2 * 0.25 + s**2) - s) / m).reshape(-1, 1, 1, 1) * unit

    drawn = sample(ScoreNetwork(Exact(), sde), (2000, 1, 2, 2), seed=0, steps=40)
    # 8000 draws: the standard error of a standard deviation is 0.5 / sqrt(16000) = 0.004.
    assert math.isclose(float(drawn.std()), 0.5, abs_tol=0.015) and abs(float(drawn.mean())) < 0.02
    assert grid_png(drawn[:16], 4).startswith(b"\x89PNG")
