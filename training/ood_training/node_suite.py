"""The node tests of the ONNX standard as files, and onnx.checker over files.

    python -m ood_training.node_suite write FOLDER   # FOLDER/models/*.onnx, FOLDER/cases.json, FOLDER/values.bin
    python -m ood_training.node_suite check FOLDER   # every .onnx below FOLDER; one JSON line for each that is invalid

tools/onnx-suite/run.ts calls both. Numbers are stored as float64, int64 or bool, whatever their type in the model: each
of the standard's types fits one of them without loss.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper


def write(folder: Path) -> None:
    """Generates the node tests of the installed `onnx` and writes models, inputs and expected outputs."""
    from onnx.backend.test.case.node import collect_testcases

    (folder / "models").mkdir(parents=True, exist_ok=True)
    cases = []
    with warnings.catch_warnings(), (folder / "values.bin").open("wb") as values:
        warnings.simplefilter("ignore")
        for case in collect_testcases():
            graph = case.model.graph
            (folder / "models" / f"{case.name}.onnx").write_bytes(case.model.SerializeToString())
            inputs, outputs = case.data_sets[0]
            cases.append(
                {
                    "name": case.name,
                    "rtol": case.rtol,
                    "atol": case.atol,
                    "inputs": [{"name": p.name, **stored(v, values)} for p, v in zip(graph.input, inputs, strict=False)],
                    "outputs": [{"name": p.name, **stored(v, values)} for p, v in zip(graph.output, outputs, strict=True)],
                }
            )
    (folder / "cases.json").write_text(json.dumps({"onnx": onnx.__version__, "cases": cases}))
    print(f"{len(cases)} cases of onnx {onnx.__version__}")


def stored(value, values) -> dict:
    """A value as JSON: where its numbers lie in values.bin, its texts, or the parts of a sequence."""
    if value is None:
        return {"kind": "none"}
    if isinstance(value, (list, tuple)):
        return {"kind": "sequence", "parts": [stored(part, values) for part in value]}
    array = numpy_helper.to_array(value) if isinstance(value, TensorProto) else np.asarray(value)
    shape = list(array.shape)
    if array.dtype.kind in "OSU":
        texts = [t.decode() if isinstance(t, bytes) else str(t) for t in array.reshape(-1).tolist()]
        return {"kind": "string", "shape": shape, "texts": texts}
    if array.dtype == bool:
        kind, numbers = "bool", array.astype(np.uint8)
    elif array.dtype.kind in "iu" or "int" in array.dtype.name:
        kind, numbers = "int64", array.astype(np.int64)
    else:
        kind, numbers = "float64", array.astype(np.float64)
    values.write(bytes(-values.tell() % 8))
    at = values.tell()
    values.write(np.ascontiguousarray(numbers).tobytes())
    return {"kind": kind, "shape": shape, "at": at, "count": int(numbers.size)}


def check(folder: Path) -> None:
    """onnx.checker with strict shape inference over every file, the standard's own models first."""
    for path in sorted(folder.rglob("*.onnx")):
        try:
            onnx.checker.check_model(onnx.load(str(path)), full_check=True)
        except Exception as error:  # noqa: BLE001 - the checker raises several kinds
            print(json.dumps({"file": path.relative_to(folder).as_posix(), "error": first_lines(str(error))}))


def first_lines(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("==>")]
    return " ".join(lines)[:300]


if __name__ == "__main__":
    command, folder = sys.argv[1:3]
    {"write": write, "check": check}[command](Path(folder))
