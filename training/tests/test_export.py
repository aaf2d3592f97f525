"""Exported graphs: equal to PyTorch, plain operators, a manifest whose hashes match."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from synthetic import config, train

from ood_training.export import compare, load_ema, session, sha256
from ood_training.golden import golden
from ood_training.graph import FORBIDDEN
from ood_training.parity import parity

COUPLINGS = ["affine", "rqs"]


@pytest.fixture(scope="module", params=COUPLINGS)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    parity(request.param, folder)
    return folder


def test_onnx_equals_pytorch(exported: Path) -> None:
    flow, _, _ = load_ema(exported / "run" / "last.ckpt")
    errors = compare(exported, flow, torch.randn(6, *flow.config.shape))
    # float32 against float32 with another order of sums.
    assert errors["encode"]["z"]["maxRelative"] < 1e-4
    assert errors["encode"]["logdet"]["maxRelative"] < 1e-4
    assert errors["decode"]["x"]["maxRelative"] < 1e-4
    assert errors["roundTrip"]["maxRelative"] < 1e-3


def test_golden_values_are_what_the_graphs_give(exported: Path) -> None:
    values = json.loads((exported / "golden.json").read_text())
    encode, decode = session(exported / "encode.onnx"), session(exported / "decode.onnx")
    z, logdet = encode.run(["z", "logdet"], {"x": np.array(values["encode"]["x"], np.float32)})
    (x,) = decode.run(["x"], {"z": np.array(values["decode"]["z"], np.float32)})
    assert np.allclose(z, values["encode"]["z"], rtol=1e-4, atol=1e-4)
    assert np.allclose(logdet, values["encode"]["logdet"], rtol=1e-4)
    assert np.allclose(x, values["decode"]["x"], rtol=1e-4, atol=1e-4)


def test_graphs_are_plain(exported: Path) -> None:
    for name in ("encode", "decode"):
        model = onnx.load(exported / f"{name}.onnx")
        used = {node.op_type for node in model.graph.node}
        assert not used & (FORBIDDEN | {"Shape", "ConstantOfShape", "Expand"})
        for value in [*model.graph.input, *model.graph.output]:
            assert value.type.tensor_type.shape.dim[0].dim_param == "N"
            assert value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
        # Stack traces of the exporter would carry paths of the machine.
        assert not any(node.metadata_props or node.doc_string for node in model.graph.node)


def test_manifest_hashes_and_shapes(exported: Path) -> None:
    entry = json.loads((exported / "manifest.json").read_text())
    assert entry["schemaVersion"] == 1 and entry["kind"] == "flow"
    assert entry["sha256"] == {f: sha256(exported / f) for f in ("encode.onnx", "decode.onnx")}
    assert entry["graphs"]["encode"]["outputs"] == {"z": ["N", 784], "logdet": ["N"]}
    assert [step["name"] for step in entry["preprocessing"]] == ["dequantize", "logit"]
    assert entry["graphs"]["decode"]["multiplications"] > 0


def test_golden_jvp_is_a_directional_derivative(tmp_path: Path) -> None:
    """Central differences in float64 as the oracle for torch.func.jvp."""
    train(tmp_path, config("rqs"))
    flow, _, _ = load_ema(tmp_path / "last.ckpt")
    values = golden(flow, torch.randn(2, 1, 8, 8))["decode"]
    z, v = torch.tensor(values["z"]).double(), torch.tensor(values["tangents"]).double()
    exact = flow.double()
    h = 1e-6
    for k in range(len(v)):
        slope = (exact.decode(z + h * v[k]) - exact.decode(z - h * v[k])) / (2 * h)
        # Golden weights are rounded to float32, hence 1e-3 and not 1e-8.
        assert torch.allclose(slope, torch.tensor(values["xTangents"][k]).double(), rtol=1e-3, atol=1e-3)
