"""Training of RealNVP: it learns, a killed run ends where an undisturbed one does, records are kept, negatives are pushed."""

from __future__ import annotations

import json
import struct
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest
import torch
from synthetic import images, weights

from ood_training.realnvp.config import ModelConfig, NetConfig
from ood_training.realnvp.data import FlowData, augmented
from ood_training.realnvp.export import export_run, load_flow, scores
from ood_training.realnvp.module import ReferenceModule, decay_groups
from ood_training.realnvp.flow import ReferenceFlow
from ood_training.realnvp.likelihood import auroc, rows_log_likelihood
from ood_training.realnvp.options import add_options, configure
from ood_training.realnvp.queue import main as queue
from ood_training.realnvp.run_config import Negative, RunConfig
from ood_training.realnvp.sources import Rows
from ood_training.realnvp.train import fit

SMALL = ModelConfig("realnvp", (1, 8, 8), NetConfig(mid=4, blocks=1))


def config(model: ModelConfig = SMALL, **changes: object) -> RunConfig:
    values = {"name": "small", "dataset": "synthetic", "batch": 16, "steps": 6, "lr": 2e-3, "ema": 0.9, **changes}
    return RunConfig(model=model, **values)


def noise(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 1, 8, 8), dtype=np.uint8)


def train(folder: Path, settings: RunConfig, stop_at: int | None = None, **options: object) -> ReferenceModule:
    rows = Rows(images(64), images(32, seed=1), images(32, seed=2))
    other = noise(64, 3) if settings.negative else None
    data = FlowData(settings, rows, other, {name: noise(32, 4) for name in settings.ood})
    limits = {} if stop_at is None else {"max_steps": stop_at}
    quiet = {"accelerator": "cpu", "log_every": 1000, "validate_every": 1000}
    return fit(settings, data, folder, **{**quiet, **limits, **options})


@pytest.mark.parametrize("family", ["realnvp", "glow"])
def test_training_lowers_the_loss(family: str, tmp_path: Path) -> None:
    model = SMALL if family == "realnvp" else ModelConfig("glow", (1, 8, 8), NetConfig("highway", mid=8, blocks=1), couplings=2)
    long = train(tmp_path / "long", config(model, steps=80, lr=5e-3))
    short = train(tmp_path / "short", config(model, steps=1, ema=0.0))
    held = torch.from_numpy(images(32, seed=9))
    gain = rows_log_likelihood(long.ema, held).mean() - rows_log_likelihood(short.ema, held).mean()
    # A bit a pixel, 64 pixels, is 44 nats.
    assert gain > 44


def test_a_resumed_run_equals_an_undisturbed_one(tmp_path: Path) -> None:
    """Four steps an epoch; the record of likelihoods goes on without a gap or a double line."""
    settings = {"steps": 7, "ood": ["noise"], "samples": 4, "save_every": 1, "monitored_rows": 16}
    whole = train(tmp_path / "whole", config(**settings))
    train(tmp_path / "cut", config(**settings), stop_at=5)
    resumed = train(tmp_path / "cut", config(**settings))
    assert resumed.global_step == 7
    assert torch.equal(weights(whole), weights(resumed))
    lines = [(tmp_path / run / "ood.jsonl").read_text() for run in ("whole", "cut")]
    assert lines[0] == lines[1]
    records = [json.loads(line) for line in lines[0].splitlines()]
    assert [entry["step"] for entry in records] == [4, 7]
    assert set(records[0]["sets"]) == {"test", "noise"}
    assert 0 <= records[1]["sets"]["noise"]["auroc"] <= 1
    assert "AUROC against noise" in (tmp_path / "cut" / "likelihoods.svg").read_text()
    assert (tmp_path / "cut" / "epoch-1.ckpt").exists()
    png = (tmp_path / "cut" / "samples" / "epoch-1.png").read_bytes()
    assert struct.unpack(">II", png[16:24]) == (16, 16)


def test_what_was_recorded_is_what_the_checkpoint_gives(tmp_path: Path) -> None:
    settings = config(ood=["noise"], monitored_rows=0)
    train(tmp_path, settings)
    flow, read, record = load_flow(tmp_path / "last.ckpt")
    assert read == settings and record["step"] == 6
    inside, outside = scores(flow, images(32, seed=2)), scores(flow, noise(32, 4))
    last = json.loads((tmp_path / "ood.jsonl").read_text().splitlines()[-1])
    assert last["sets"]["noise"]["auroc"] == pytest.approx(auroc(inside, outside), abs=1e-9)
    assert last["sets"]["test"]["meanLogLikelihood"] == pytest.approx(float(inside.mean()), rel=1e-6)


def test_negative_training_goes_on_from_a_run_and_pushes_the_other_set_down(tmp_path: Path) -> None:
    # Blobs are rated by a model of noise, which finds them likelier than noise; then they are pushed down.
    train(tmp_path / "small", config(steps=40, lr=5e-3))
    before, _, _ = load_flow(tmp_path / "small" / "last.ckpt")
    settings = config(name="pushed", init="small", steps=40, lr=5e-3, negative=Negative("noise", -2000.0))
    train(tmp_path / "pushed", settings)
    after, _, _ = load_flow(tmp_path / "pushed" / "last.ckpt")
    pushed = noise(32, 4)
    assert scores(after, pushed).mean() < scores(before, pushed).mean() - 200
    assert auroc(scores(after, images(32, seed=2)), scores(after, pushed)) > 0.99


def test_groups_of_weight_decay() -> None:
    flow = ReferenceFlow(SMALL)
    gains, others = decay_groups(flow, "realnvp", 0.5)
    named = {id(p): name for name, p in flow.named_parameters()}
    assert all(named[id(p)].endswith("weight_g") for p in gains["params"]) and gains["weight_decay"] == 0.5
    assert not any(named[id(p)].endswith("weight_g") for p in others["params"]) and others["weight_decay"] == 0
    assert len(gains["params"]) + len(others["params"]) == len(named)
    (everything,) = decay_groups(flow, "glow", 0.5)
    assert len(everything["params"]) == len(named) and everything["weight_decay"] == 0.5


def test_optimisers_and_the_anneal(tmp_path: Path) -> None:
    settings = config(optimizer="rmsprop", schedule="anneal", lr=1e-3, steps=40)
    module = train(tmp_path, settings, stop_at=1)
    assert type(module.configure_optimizers()).__name__ == "RMSprop"
    rates = []
    for step in (0, 32, 36, 39):
        module.trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress.total.completed = 0
        type(module).global_step = property(lambda _, step=step: step)
        rates.append(module.learning_rate(0.0))
    del type(module).global_step
    # Ten epochs of four steps: 0, 8, 9, 9.
    assert rates == [1e-3, 1e-3, 5e-4, 5e-4]


def test_a_table_is_standardised_by_its_training_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [(3 + 5 * rng.normal(size=(n, 4))).astype(np.float32) for n in (128, 32, 32)]
    model = ModelConfig("tabular", (4,), NetConfig(mid=8, blocks=1), couplings=2)
    settings = config(model, ood=["far"])
    data = FlowData(settings, Rows(*rows), ood={"far": rows[2] + 50})
    fit(settings, data, tmp_path, accelerator="cpu", log_every=1000, validate_every=1000)
    entry = export_run(tmp_path / "last.ckpt", tmp_path / "out", data)
    (step,) = entry["preprocessing"]
    assert step["name"] == "standardize" and np.allclose(step["mean"], rows[0].mean(0), rtol=1e-5)
    assert entry["metrics"]["auroc"]["far"] == 1
    assert entry["metrics"]["export"]["real"]["roundTrip"]["maxAbs"] < 1e-3
    assert entry["metrics"]["export"]["jacobian"]["error"] < 1e-9
    constant = Rows(np.ones((8, 4), np.float32), rows[1], rows[2])
    with pytest.raises(ValueError, match="expected features that vary, got 4 constant ones"):
        FlowData(settings, constant, ood={})


def test_augmented_images_are_crops() -> None:
    pixels = torch.from_numpy(noise(64, 0)) // 2 + 1
    crops = augmented(pixels, torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(pixels, (4, 4, 4, 4))
    for image, crop in zip(padded, crops, strict=True):
        places = [(y, x) for y in range(9) for x in range(9) if torch.equal(image[:, y : y + 8, x : x + 8], crop)]
        assert places
    colour = torch.from_numpy(np.random.default_rng(1).integers(1, 256, (64, 3, 8, 8), dtype=np.uint8))
    crops = augmented(colour, torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(colour, (4, 4, 4, 4))
    mirrored = 0
    for image, crop in zip(padded, crops, strict=True):
        cuts = [image[:, y : y + 8, x : x + 8] for y in range(9) for x in range(9)]
        plain = any(torch.equal(cut, crop) for cut in cuts)
        assert plain or any(torch.equal(cut.flip(2), crop) for cut in cuts)
        mirrored += not plain
    assert 16 < mirrored < 48


def options(*arguments: str) -> RunConfig:
    parser = ArgumentParser()
    add_options(parser)
    return configure(config(), parser.parse_args(list(arguments)))


def test_options_replace_the_file() -> None:
    changed = options("--ood", "mnist", "notmnist", "--negative", "mnist", "--set", "model.net.blocks=3", "--set", "optimizer=rmsprop")
    assert changed.ood == ["mnist", "notmnist"] and changed.negative == Negative("mnist", -30_000.0)
    assert changed.model.net.blocks == 3 and changed.optimizer == "rmsprop"
    assert options("--negative", "mnist", "--threshold", "-5").negative.threshold == -5


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--threshold", "-5"), "--threshold: expected --negative with it"),
        (("--negative", "mnist", "--threshold", "5"), "negative.threshold: expected a negative log-likelihood in nats, got 5"),
        (("--set", "model.net.block=3"), "--set: expected one of st, mid, .*got block"),
        (("--set", "modle.net=3"), "--set: expected a table called modle"),
        (("--set", "steps"), "--set: expected key=value, got steps"),
        (("--set", "optimizer=sgd"), "optimizer: expected one of adam, rmsprop, adamw, got sgd"),
        (("--set", "schedule=linear"), "schedule: expected one of"),
        (("--set", "batch=0"), "batch: expected at least 1, got 0"),
    ],
)
def test_wrong_options_are_one_line(arguments: tuple[str, ...], line: str) -> None:
    with pytest.raises(ValueError, match=line):
        options(*arguments)


def test_every_configuration_can_be_read() -> None:
    folder = Path(__file__).resolve().parents[1] / "configs"
    files = [file for kind in ("realnvp", "glow") for file in folder.rglob(f"{kind}-*.toml")]
    counts = {}
    for file in files:
        settings = RunConfig.read(file)
        assert settings.name == file.stem
        with torch.device("meta"):
            counts[str(file.relative_to(folder))] = ReferenceFlow(settings.model).parameter_count()
    published = {
        "realnvp-fashion-mnist": 14_707_336, "realnvp-mnist-negative": 14_707_336, "realnvp-celeba": 87_859_080,
        "realnvp-cifar-10-negative": 87_859_080, "glow-fashion-mnist": 69_378_048, "glow-svhn": 208_932_480,
        "realnvp-hepmass1": 621_024, "realnvp-miniboone0": 837_184, "realnvp-celeba-features": 11_595_776,
    }
    assert {name: counts[f"published/{name}.toml"] for name in published} == published


def test_a_queue_passes_over_what_is_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.toml"
    file.write_text('name = "a"\ndataset = "mnist"\n[model]\nfamily = "realnvp"\nshape = [1, 8, 8]\n')
    (tmp_path / "runs" / "a").mkdir(parents=True)
    (tmp_path / "runs" / "a" / "done").write_text("")
    assert queue([str(file), "--", "--runs", str(tmp_path / "runs")]) == 0
    assert "done" in capsys.readouterr().out
