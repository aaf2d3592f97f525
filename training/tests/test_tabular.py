"""Tabular runs: configs read, a resumed run equals an undisturbed one, exports agree with PyTorch."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ood_training.config import TrainConfig
from ood_training.diffusion.config import DiffusionConfig
from ood_training.export import session
from ood_training.flows import FlowConfig, LevelConfig
from ood_training.tabular.config import Points, TabularConfig
from ood_training.tabular.data import NoisyRows, as_rows, read_points
from ood_training.tabular.export import export_run
from ood_training.tabular.train import fit

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("tabular-*.toml"))
POINTS = Points(manifold="circle", n=400, validation=100, seed=1)
QUIET = {"log_every": 10**6, "validate_every": 10, "checkpoint_minutes": 60}


def circle() -> tuple[np.ndarray, np.ndarray]:
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, 500)
    rows = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1).astype(np.float32)
    return rows[:400], rows[400:]


def flow(steps: int) -> TabularConfig:
    level = LevelConfig(squeeze=1, steps=2, net="dense", hidden=8, blocks=1)
    model = TrainConfig(
        name="flow-circle", dataset="circle", flow=FlowConfig(coupling="rqs", shape=(3, 1, 1), levels=[level]),
        batch=50, steps=steps, warmup=2, init_images=200, seed=4,
    )
    return TabularConfig("flow", POINTS, 0.05, model)


def diffusion(steps: int) -> TabularConfig:
    values = {
        "name": "diffusion-circle", "dataset": "circle", "batch": 50, "steps": steps, "warmup": 2, "seed": 4,
        "net": {"kind": "mlp", "shape": [3], "hidden": [16, 8], "time": 8},
    }
    return TabularConfig("diffusion", POINTS, 0.0, DiffusionConfig.from_dict(values))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_shipped_configs_are_read_and_fit_their_manifold(path: Path) -> None:
    config = TabularConfig.read(path)
    assert path.stem == f"tabular-{config.model.name}"
    shape = config.model.flow.shape if config.kind == "flow" else config.model.net.shape
    name = config.points.manifold
    assert shape[0] == (2 if name == "lollipop" else int(name.split("_")[1].removesuffix("D")))
    assert config.points.manifold in config.points.command(Path("runs"))


def test_missing_points_say_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="export-manifold.ts circle .* --n 400 --validation 100 --seed 1"):
        read_points(POINTS, tmp_path)


def test_rows_are_a_function_of_seed_and_step() -> None:
    rows, config = circle()[0], flow(1).model
    stream = iter(NoisyRows(rows, config, 0.05))
    batches = [next(stream)[0] for _ in range(11)]
    assert torch.equal(batches[9], NoisyRows(rows, config, 0.05).at(9)[0])
    assert torch.equal(batches[10], next(iter(NoisyRows(rows, config, 0.05, start=10)))[0])
    # Eight batches are one epoch: without noise every row comes once.
    epoch = torch.cat([NoisyRows(rows, config, 0.0).at(step)[0][:, :2, 0, 0] for step in range(8)])
    assert torch.equal(epoch.sort(0).values, torch.from_numpy(rows[:, :2]).sort(0).values)


def test_logged_bits_are_of_the_density() -> None:
    from ood_training.data.transforms import bits_per_dim

    x, logdet = as_rows(torch.zeros(2, 3))
    assert x.shape == (2, 3, 1, 1)
    bits = bits_per_dim(torch.tensor([-3 * math.log(2), 0.0]), logdet, 3)
    assert bits.tolist() == pytest.approx([1.0, 0.0], abs=1e-6)


@pytest.mark.parametrize("make", [flow, diffusion], ids=["flow", "diffusion"])
def test_resumed_runs_equal_undisturbed_ones(make, tmp_path: Path) -> None:
    fit(make(12), circle(), tmp_path / "whole", **QUIET)
    half = make(12)
    fit(half, circle(), tmp_path / "parts", **{**QUIET, "max_steps": 5})
    fit(make(12), circle(), tmp_path / "parts", **QUIET)
    whole, parts = (
        torch.load(tmp_path / name / "last.ckpt", weights_only=False)["state_dict"] for name in ("whole", "parts")
    )
    assert whole.keys() == parts.keys()
    for key in whole:
        assert torch.equal(whole[key], parts[key]), key


@pytest.mark.parametrize("make", [flow, diffusion], ids=["flow", "diffusion"])
def test_exports_agree_with_pytorch_and_name_their_points(make, tmp_path: Path) -> None:
    config = make(10)
    fit(config, circle(), tmp_path / "run", **QUIET)
    entry = export_run(tmp_path / "run", tmp_path / "out", rows=circle())
    assert entry == json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert entry["kind"] == config.kind and entry["preprocessing"] == [] and entry["data"]["shape"] == [3]
    assert entry["training"]["points"] == vars(POINTS)
    found = entry["metrics"]["export"]
    # float32 graphs of tiny nets: a few ulp of numbers of size 1 to 100.
    assert max(value for key, value in found.items() if key != "rows") < 1e-3
    if config.kind == "flow":
        z, logdet = session(tmp_path / "out" / "encode.onnx").run(None, {"x": circle()[1][:7]})
        assert z.shape == (7, 3) and logdet.shape == (7,)
    else:
        assert entry["sde"] == {"name": "vp", "betaMin": 0.1, "betaMax": 20.0, "T": 1.0}
        assert entry["prediction"] == "scaled-score"


def test_noise_and_kinds_are_checked(tmp_path: Path) -> None:
    text = CONFIGS[0].read_text()
    assert 'kind = "diffusion"' in text
    for change, message in [(('kind = "diffusion"', 'kind = "gan"'), "flow or diffusion"),
                            (('kind = "diffusion"', 'kind = "diffusion"\nnoise = 0.1'), "adds its own")]:
        path = tmp_path / "config.toml"
        path.write_text(text.replace(*change))
        with pytest.raises(ValueError, match=message):
            TabularConfig.read(path)


def test_noise_level_is_added_to_every_coordinate() -> None:
    rows = np.zeros((4000, 2), dtype=np.float32)
    config = replace(flow(1).model, batch=4000)
    x = NoisyRows(rows, config, 0.01).at(0)[0]
    # Deviation of 8000 normals: within 4 standard errors, 0.01 / sqrt(16000).
    assert float(x.std()) == pytest.approx(0.01, abs=4 * 0.01 / math.sqrt(16000))
