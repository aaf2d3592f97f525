"""Write the fixtures of packages/onnx/test/models: `python -m ood_training.proofs.make OUT_FOLDER [NAME ...]`.

For each model `<name>.json` (inputs, values and projected Jacobians at two batch sizes) and one `<name>.<exporter>.onnx`
for each exporter. Weights, inputs and directions depend on seeds alone, so a second run writes the same numbers.
"""

from __future__ import annotations

import argparse
import base64
import json
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import onnxscript
import torch
from torch import Tensor

from .catalog import CASES, build, sample
from .export import OPSETS, export
from .reference import projections

#: Directions stored for each mode, and the batch sizes.
DIRECTIONS, BATCHES = 3, (1, 2)


def pack(value: Tensor, kind: str) -> dict:
    """Shape and little-endian numbers in base64; inputs and directions are exact in float32, results are float64."""
    array = value.detach().cpu().numpy().astype("<f4" if kind == "float32" else "<f8")
    return {"shape": list(array.shape), "type": kind, "data": base64.b64encode(array.tobytes()).decode()}


def record(name: str, seed: int = 20) -> dict:
    """What is stored of one model."""
    model, case = build(name), CASES[name]
    batches = []
    for rows in BATCHES:
        found = projections(model, sample(name, rows, seed + rows), case.outputs, DIRECTIONS, seed + 10 + rows)
        given = ("x", "tangents", "cotangents")
        batches.append(
            {
                part: {key: pack(value, "float32" if part in given else "float64") for key, value in values.items()}
                for part, values in found.items()
            }
        )
    return {
        "model": name,
        "how": "float64 PyTorch with the float32 weights of the graphs: jvp = J V by torch.func.jacfwd, vjp = U J by torch.func.jacrev",
        "versions": {"torch": torch.__version__, "onnx": onnx.__version__, "onnxscript": onnxscript.__version__},
        "opsets": {exporter: OPSETS[exporter] for exporter in case.exporters},
        "batches": batches,
    }


def gap(path: Path, entry: dict) -> float:
    """Largest difference of the graph in onnxruntime from the stored values, at both batch sizes."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    worst = 0.0
    for batch in entry["batches"]:
        got = session.run(list(batch["y"]), {key: unpack(value) for key, value in batch["x"].items()})
        for y, want in zip(got, batch["y"].values()):
            worst = max(worst, float(np.abs(y - unpack(want)).max()))
    return worst


def unpack(stored: dict) -> np.ndarray:
    kind = "<f4" if stored["type"] == "float32" else "<f8"
    return np.frombuffer(base64.b64decode(stored["data"]), kind).reshape(stored["shape"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("names", nargs="*", default=list(CASES))
    args = parser.parse_args()
    torch.set_num_threads(1)
    for name in args.names:
        case, entry = CASES[name], record(name)
        args.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(entry, indent=1)
        (args.out / f"{name}.json").write_text(text + "\n")
        print(f"{name}: {len(text)} bytes of values")
        for exporter in case.exporters:
            path = args.out / f"{name}.{exporter}.onnx"
            feeds = list(sample(name, 3, 1).values())
            graph = export(build(name), feeds, path, exporter=exporter, inputs=list(case.inputs), outputs=case.outputs)
            operators = Counter(node.op_type for node in graph.graph.node)
            print(f"  {exporter}: {path.stat().st_size} bytes, differs by {gap(path, entry):.1e}, {dict(operators)}")


if __name__ == "__main__":
    main()
