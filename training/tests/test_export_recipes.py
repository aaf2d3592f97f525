"""docs/export.md: its Python blocks run in order as printed, and the graphs have the ports and free axes they promise."""

from __future__ import annotations

import os
import re
from pathlib import Path

import onnx
import onnxruntime
import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "export.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def ports(path: Path) -> dict[str, list[str | int]]:
    graph = onnx.load(path).graph
    shapes = {v.name: v.type.tensor_type.shape.dim for v in [*graph.input, *graph.output]}
    return {name: [d.dim_param or d.dim_value for d in dims] for name, dims in shapes.items()}


def test_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = blocks("python")
    assert len(found) == 5
    exec("\n".join(found), {"__name__": "recipe"})
    for kind in ["", "-script"]:
        encode, decode = ports(tmp_path / f"encode{kind}.onnx"), ports(tmp_path / f"decode{kind}.onnx")
        assert list(encode) == ["x", "z", "logdet"] and list(decode) == ["z", "x"]
        assert encode["x"][1:] == [1, 28, 28] and encode["z"][1:] == [784]
        for shape in [*encode.values(), *decode.values()]:
            assert isinstance(shape[0], str)
    assert list(ports(tmp_path / "score.onnx")) == ["x", "t", "net"]


def test_keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    pytest.importorskip("keras", reason="Keras is not installed")
    monkeypatch.chdir(tmp_path)
    (block,) = blocks("python keras")
    exec(block, {"__name__": "recipe"})
    assert ports(tmp_path / "keras.onnx")["x"][1:] == [1, 28, 28]
    session = onnxruntime.InferenceSession(str(tmp_path / "keras.onnx"))
    import numpy as np

    (logits,) = session.run(["logits"], {"x": np.zeros((3, 1, 28, 28), np.float32)})
    assert logits.shape == (3, 10)
