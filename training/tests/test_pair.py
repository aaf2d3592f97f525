"""Semantic and background model from one file: every kind, the reference's default, and files that do not fit."""

from __future__ import annotations

import json
import tomllib
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
from synthetic import images

from ood_training import pair as pairs
from ood_training.data.mutation import Mutation
from ood_training.pair import KINDS, load, pair
from ood_training.realnvp.sources import Rows

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
SEMANTIC = {
    "flow-fmnist": "flow", "realnvp-fmnist": "realnvp", "glow-fmnist": "realnvp", "pixelcnn-mnist": "pixelcnn",
    "lstm-genome": "sequence",
}


@pytest.mark.parametrize("name", SEMANTIC)
def test_the_background_model_is_the_same_on_mutated_data(name: str) -> None:
    found = pair(load(CONFIGS / f"{name}.toml"))
    assert found.kind == SEMANTIC[name]
    assert found.semantic.mutation is None and found.background.name == f"{name}-background"
    top = 3 if found.kind == "sequence" else 255
    assert found.background.mutation == Mutation(0.2, "categorical", (0, top))
    one, two = found.semantic.to_dict(), found.background.to_dict()
    assert {key for key in one if one[key] != two[key]} == {"name", "mutation"}


def test_another_file_gives_the_background_network_on_the_same_data() -> None:
    values = load(CONFIGS / "pixelcnn-mnist.toml")
    small = load(CONFIGS / "pixelcnn-fmnist-background.toml")
    found = pair(values, 0.3, "uniform", small)
    assert found.background.net.resnets == 0 and found.background.dataset == "mnist"
    assert found.background.mutation.rate == 0.3 and found.background.mutation.kind == "uniform"
    assert found.background.exclude == found.semantic.exclude


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("pixelcnn-mnist-background", "expected the semantic model's file, got one with a mutation"),
        ("diffusion-mnist", "expected a model with a density"),
    ],
)
def test_a_file_that_does_not_fit_is_one_line(name: str, line: str) -> None:
    with pytest.raises(ValueError, match=line):
        pair(load(CONFIGS / f"{name}.toml"))


def test_networks_of_two_kinds_are_no_pair() -> None:
    with pytest.raises(ValueError, match="--background: expected a pixelcnn, got a flow"):
        pair(load(CONFIGS / "pixelcnn-mnist.toml"), background=load(CONFIGS / "flow-mnist.toml"))


def test_both_are_trained_and_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ood_training.realnvp import data

    rows = Rows(images(64), images(32, seed=1), images(32, seed=2))
    monkeypatch.setattr(data, "read_rows", lambda *_: rows)
    values = tomllib.loads(
        'name = "tiny"\ndataset = "mnist"\nbatch = 16\nsteps = 3\n[model]\nfamily = "fixed"\nshape = [1, 8, 8]\nmasks = "small"\n'
        '[model.net]\nst = "convnet"\nmid = 2\nblocks = 0\n'
    )
    args = Namespace(runs=tmp_path, export=tmp_path / "out", test=False, data_dir=None)
    quiet = {"accelerator": "cpu", "log_every": 1000, "validate_every": 1000}
    pairs.start(pair(values), tmp_path, args, quiet)
    names = ("tiny", "tiny-background")
    manifests = [json.loads((tmp_path / "out" / name / "manifest.json").read_text()) for name in names]
    assert [entry["role"] for entry in manifests] == ["semantic", "background"]
    assert manifests[1]["mutation"] == {"rate": 0.2, "kind": "categorical", "valueRange": [0, 255]}
    # Trained on other images than its twin.
    weights = [(tmp_path / "out" / name / "encode.onnx").read_bytes() for name in names]
    assert weights[0] != weights[1]
    assert np.isfinite(manifests[1]["metrics"]["bitsPerDim"]["test"])
    assert set(KINDS) == {"flow", "realnvp", "pixelcnn", "sequence"}
