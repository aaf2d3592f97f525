"""Sequence models: the reference's size, next-token factorisation, resuming, the data's layout, and the exported graph."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from ood_training.data.mutation import Mutation
from ood_training.export import session
from ood_training.sequence.config import Genomes, SequenceRun
from ood_training.sequence.data import SPLITS, SequenceData, folder_of, read_genomes
from ood_training.sequence.export import evaluate, export_run, load_ema, write_graph
from ood_training.sequence.lstm import LstmConfig, SequenceLstm
from ood_training.sequence.module import SequenceModule
from ood_training.sequence.train import fit

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("lstm-*.toml"))
QUIET = {"accelerator": "cpu", "devices": 1, "log_every": 10**6, "validate_every": 10, "checkpoint_minutes": 60}


def run(steps: int, **changes: object) -> SequenceRun:
    base = SequenceRun(
        name="lstm-tiny", net=LstmConfig(units=8), genomes=Genomes(), batch=16, steps=steps, warmup=2, lr=1e-2, seed=3,
        validation=40,
    )
    return replace(base, **changes)


def sequences(n: int = 64, length: int = 12, seed: int = 0) -> np.ndarray:
    """Every base is followed by the next one with probability 0.9, else by any."""
    rng = np.random.default_rng(seed)
    rows = [rng.integers(0, 4, n)]
    for _ in range(length - 1):
        rows.append(np.where(rng.random(n) < 0.9, (rows[-1] + 1) % 4, rng.integers(0, 4, n)))
    return np.stack(rows, axis=1).astype(np.uint8)


def train(folder: Path, settings: SequenceRun, stop_at: int | None = None) -> SequenceModule:
    limits = {} if stop_at is None else {"max_steps": stop_at}
    return fit(settings, SequenceData(settings, sequences(), sequences(40, seed=1)), folder, **QUIET, **limits)


def weights(module: SequenceModule) -> torch.Tensor:
    return torch.cat([v.flatten().double() for v in module.state_dict().values()])


def write_layout(folder: Path, kind: str = "|u1") -> dict[str, np.ndarray]:
    folder.mkdir(parents=True, exist_ok=True)
    rows = {}
    for i, split in enumerate(SPLITS):
        rows[split] = sequences(30 + i, seed=i)
        np.savez_compressed(folder / f"{split}.npz", x=rows[split].astype(kind), is_outlier=np.zeros(30 + i), y=np.zeros(30 + i))
    return rows


def test_parameters_are_those_of_the_reference() -> None:
    with torch.device("meta"):
        assert SequenceLstm(LstmConfig()).parameter_count() == 16_048_004
    for vocabulary, units in ((4, 64), (5, 20)):
        net = SequenceLstm(LstmConfig(vocabulary, units))
        assert net.parameter_count() == 4 * (units * (vocabulary + units) + units) + units * vocabulary + vocabulary
        assert not net.lstm.bias_hh_l0.any() and not net.lstm.bias_hh_l0.requires_grad
    with pytest.raises(ValueError, match="net.units: expected a positive integer, got 0"):
        LstmConfig(4, 0)


def test_forward_is_the_textbook_lstm() -> None:
    """Hochreiter and Schmidhuber's equations with a forget gate, written out, in float64."""
    torch.manual_seed(1)
    net = SequenceLstm(LstmConfig(4, 6)).double()
    tokens = torch.randint(0, 4, (3, 5))
    w, r, b = net.lstm.weight_ih_l0, net.lstm.weight_hh_l0, net.lstm.bias_ih_l0
    h, c = torch.zeros(3, 6).double(), torch.zeros(3, 6).double()
    for t in range(5):
        i, f, g, o = (w[:, tokens[:, t]].T + h @ r.T + b).chunk(4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        torch.testing.assert_close(net(tokens)[:, t], h @ net.head.weight.T + net.head.bias, rtol=0, atol=1e-12)


def test_log_prob_is_a_distribution_given_the_first_token() -> None:
    torch.manual_seed(0)
    net = SequenceLstm(LstmConfig(3, 5)).double()
    every = torch.tensor(list(product(range(3), repeat=4)))
    log_prob = net.log_prob(every)
    assert log_prob.shape == (81, 3)
    for first in range(3):
        total = log_prob[every[:, 0] == first].detach().sum(1).exp().sum()
        assert math.isclose(float(total), 1.0, abs_tol=1e-12)
    # Causal: a step does not see its own token or later ones.
    changed = every.clone()
    changed[:, 3] = (changed[:, 3] + 1) % 3
    assert torch.equal(net.log_prob(changed)[:, :2], log_prob[:, :2])


def test_llr_vector(llr_sequential: dict) -> None:
    """Targets are the inputs one step later; per-step log-probs are minus the cross-entropy."""
    x = torch.tensor(llr_sequential["X"])
    net = SequenceLstm(LstmConfig(4, 2)).double()
    logits = torch.tensor(llr_sequential["semantic_logits"], dtype=torch.float64)
    seen = []

    def forward(tokens: torch.Tensor) -> torch.Tensor:
        seen.append(tokens)
        return logits

    net.forward = forward
    got = net.log_prob(x)
    assert torch.equal(seen[0], torch.tensor(llr_sequential["model_input"]))
    want = torch.tensor(llr_sequential["expected_logp_semantic_per_step"], dtype=torch.float64)
    torch.testing.assert_close(got, want, rtol=0, atol=1e-12)


def test_training_learns_the_transitions(tmp_path: Path) -> None:
    module = train(tmp_path, run(150))
    held = sequences(200, seed=5)
    net, settings, record = load_ema(tmp_path / "last.ckpt")
    assert settings == run(150) and record["step"] == 150 and module.global_step == 150
    # The law's entropy is 0.925 ln(1/0.925) + 3 * 0.025 ln(1/0.025) = 0.349 nats a token; guessing costs 1.386.
    assert evaluate(net, held)["logProbPerToken"] > -0.6


def test_resumed_run_equals_undisturbed_run(tmp_path: Path) -> None:
    """Steps cross an epoch boundary (4 steps an epoch) and draw mutations, so order and mutations must both resume."""
    settings = run(7, mutation=Mutation(0.2, value_range=(0, 3)))
    whole = train(tmp_path / "whole", settings)
    train(tmp_path / "cut", settings, stop_at=3)
    resumed = train(tmp_path / "cut", settings)
    assert resumed.global_step == 7
    assert torch.equal(weights(whole), weights(resumed))
    assert not torch.equal(weights(whole), weights(train(tmp_path / "clean", run(7))))


def test_background_data_are_mutated_and_the_same_in_every_validation() -> None:
    settings = run(1, mutation=Mutation(0.2, value_range=(0, 3)))
    clean = sequences(400, 50)
    data = SequenceData(replace(settings, validation=400), clean, clean)
    first, again = data.checked(), data.checked()
    assert torch.equal(first, again)
    share = float((first != torch.from_numpy(clean)).float().mean())
    # 20,000 tokens: a standard error of 0.003.
    assert abs(share - 0.2) < 0.012
    assert set(first.unique().tolist()) == {0, 1, 2, 3}
    with pytest.raises(ValueError, match="training tokens: expected 0..2, got 3"):
        SequenceData(run(1, net=LstmConfig(3, 4)), clean, clean)


@pytest.mark.parametrize("kind", ["|u1", "|i1", "<i4", "<i8"])
def test_reads_the_layout_of_the_public_data(kind: str, tmp_path: Path) -> None:
    rows = write_layout(tmp_path, kind)
    for split in SPLITS:
        got = read_genomes(tmp_path, split)
        assert got.dtype == np.uint8 and np.array_equal(got, rows[split])
    assert np.array_equal(read_genomes(tmp_path, "val_ood", 5), rows["val_ood"][:5])


def test_wrong_data_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="export-genomes.ts .*--train 200000 .*--seed 1"):
        folder_of(run(1), tmp_path, None)
    with pytest.raises(FileNotFoundError, match="train_in.npz"):
        folder_of(run(1), tmp_path, tmp_path)
    with pytest.raises(FileNotFoundError, match="val_in.npz"):
        read_genomes(tmp_path, "val_in")
    with pytest.raises(ValueError, match="split: expected one of train_in"):
        read_genomes(tmp_path, "train")
    for bad in (np.zeros((2, 3)), np.zeros(3, int), np.zeros((0, 3), int), np.full((2, 3), -1)):
        np.savez(tmp_path / "val_in.npz", x=bad)
        with pytest.raises(ValueError, match="val_in.npz: expected"):
            read_genomes(tmp_path, "val_in")


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_shipped_configs(path: Path) -> None:
    settings = SequenceRun.read(path)
    assert path.stem == settings.name
    assert SequenceRun.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings
    assert (settings.mutation is None) == (not settings.name.endswith("background"))


def test_a_mutation_must_fit_the_tokens() -> None:
    values = {"name": "x", "net": {"units": 2}, "mutation": {"rate": 0.2, "value_range": [0, 5]}}
    with pytest.raises(ValueError, match=r"expected \[0, 3\], the tokens of the model, got \[0, 5\]"):
        SequenceRun.from_dict(values)


def test_export_agrees_with_pytorch_for_any_batch_and_length(tmp_path: Path) -> None:
    torch.manual_seed(2)
    net = SequenceLstm(LstmConfig(5, 7)).eval()
    with torch.no_grad():
        net.lstm.bias_ih_l0.normal_()
    write_graph(net, tmp_path / "logits.onnx")
    onnx_run = session(tmp_path / "logits.onnx")
    for shape in ((1, 1), (3, 9), (8, 40)):
        tokens = torch.randint(0, 5, shape)
        (got,) = onnx_run.run(["logits"], {"tokens": tokens.numpy()})
        # float32 through 40 steps of saturating gates.
        np.testing.assert_allclose(got, net(tokens).detach().numpy(), rtol=0, atol=2e-6)


def test_checkpoint_records_the_run(tmp_path: Path) -> None:
    rows = write_layout(tmp_path / "data")
    settings = run(3, mutation=Mutation(0.2, value_range=(0, 3)))
    fit(settings, SequenceData(settings, rows["train_in"], rows["val_in"]), tmp_path / "run", **QUIET)
    (tmp_path / "data" / "genomes.json").write_text('{"seed": 9}')
    entry = export_run(tmp_path / "run" / "last.ckpt", tmp_path / "out", tmp_path / "data", count=20)
    assert entry["training"]["genomes"] == {"seed": 9}
    assert entry == json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert entry["kind"] == "sequence" and entry["role"] == "background" and entry["sequence"] == {"vocabulary": 4}
    assert entry["mutation"] == {"rate": 0.2, "kind": "categorical", "valueRange": [0, 3]}
    assert entry["graphs"]["logits"]["inputs"] == {"tokens": ["N", "T"]}
    assert entry["graphs"]["logits"]["multiplications"] == 11 * (4 * 8 * 12 + 8 * 4)
    assert entry["training"]["steps"] == 3 and entry["training"]["seed"] == 3
    assert entry["metrics"]["export"]["maxAbs"] < 1e-5
    net, _, _ = load_ema(tmp_path / "run" / "last.ckpt")
    tokens = torch.from_numpy(rows["test_ood"][:20]).long()
    want = float(net.log_prob(tokens).detach().mean())
    assert math.isclose(entry["metrics"]["test_ood"]["logProbPerToken"], want, abs_tol=1e-6)


@pytest.fixture
def llr_sequential(vectors: Callable[[str], dict]) -> dict:
    return vectors("llr-flows-ncis/llr_sequential.json")
