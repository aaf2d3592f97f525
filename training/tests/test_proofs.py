"""The committed proofs of @ood/onnx: files and stored numbers belong to the models their generator builds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from ood_training.proofs.catalog import CASES
from ood_training.proofs.make import gap, record, unpack

FIXTURES = Path(__file__).resolve().parents[2] / "packages" / "onnx" / "test" / "models" / "fixtures"


def stored(name: str) -> dict:
    return json.loads((FIXTURES / f"{name}.json").read_text())


@pytest.mark.parametrize("name", CASES)
def test_every_export_computes_the_stored_values(name: str) -> None:
    entry = stored(name)
    for exporter in CASES[name].exporters:
        path = FIXTURES / f"{name}.{exporter}.onnx"
        onnx.checker.check_model(onnx.load(path))
        # float32 graphs against float64 values of order 1: rounding of 6e-8 at each of up to 200 operators in a row.
        assert gap(path, entry) < 2e-5
        assert path.stat().st_size < 200_000


@pytest.mark.parametrize("name", ["mlp", "spline-flow", "vae-decoder", "lstm", "transformer", "causal"])
def test_the_generator_still_gives_the_stored_jacobians(name: str) -> None:
    entry, again = stored(name), record(name)
    for old, new in zip(entry["batches"], again["batches"], strict=True):
        for part in old:
            for key, value in old[part].items():
                want, got = unpack(value), unpack(new[part][key])
                # float64, summed in another order on another processor at most.
                np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-11)


def test_nothing_names_the_machine_that_exported() -> None:
    for path in FIXTURES.glob("*.onnx"):
        assert b"site-packages" not in path.read_bytes(), path.name
        assert b".py" not in path.read_bytes(), path.name
