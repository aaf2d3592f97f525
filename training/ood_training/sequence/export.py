"""Export a trained LSTM as a checkpoint folder: `python -m ood_training.sequence.export RUN_FOLDER OUT_FOLDER`.

The folder holds manifest.json and logits.onnx: tokens [N, T] int64 -> logits [N, T, V] float32, both axes free; logits
at position t are of token t + 1. The weights are the EMA's. The graph is written by hand: it is six operators.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from ..data.mutation import Mutation, role_fields
from ..export import OPSET, graph_entry, hardware, revision, session, sha256
from ..saved import load_run
from .config import SequenceRun
from .data import folder_of, read_genomes
from .lstm import SequenceLstm

FILE = "logits.onnx"


def load_ema(checkpoint: Path) -> tuple[SequenceLstm, SequenceRun, dict]:
    """The EMA network, its configuration and the checkpoint's record of the run."""
    return load_run(checkpoint, SequenceRun.from_dict, lambda run: SequenceLstm(run.net))


def onnx_gates(weight: Tensor) -> np.ndarray:
    """Rows from PyTorch's order (input, forget, cell, output) to ONNX's (input, output, forget, cell)."""
    i, f, g, o = weight.detach().chunk(4)
    return torch.cat([i, o, f, g]).numpy()[None]


def write_graph(net: SequenceLstm, path: Path) -> None:
    v = net.config.vocabulary
    lstm = net.lstm
    weights = {
        "depth": np.array(v, dtype=np.int64),
        "off_on": np.array([0, 1], dtype=np.float32),
        "input_kernel": onnx_gates(lstm.weight_ih_l0),
        "recurrent_kernel": onnx_gates(lstm.weight_hh_l0),
        "bias": np.concatenate([onnx_gates(lstm.bias_ih_l0), onnx_gates(lstm.bias_hh_l0)], axis=1),
        "direction": np.array([1], dtype=np.int64),
        "head_kernel": net.head.weight.detach().numpy().T.copy(),
        "head_bias": net.head.bias.detach().numpy(),
    }
    nodes = [
        helper.make_node("OneHot", ["tokens", "depth", "off_on"], ["one_hot"], axis=-1),
        helper.make_node("Transpose", ["one_hot"], ["steps"], perm=[1, 0, 2]),
        helper.make_node("LSTM", ["steps", "input_kernel", "recurrent_kernel", "bias"], ["states"], hidden_size=net.config.units),
        helper.make_node("Squeeze", ["states", "direction"], ["hidden_steps"]),
        helper.make_node("Transpose", ["hidden_steps"], ["hidden"], perm=[1, 0, 2]),
        helper.make_node("MatMul", ["hidden", "head_kernel"], ["scores"]),
        helper.make_node("Add", ["scores", "head_bias"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes, "sequence",
        [helper.make_tensor_value_info("tokens", TensorProto.INT64, ["N", "T"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", "T", v])],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in weights.items()],
    )
    # The IR version that goes with the opset, so that older runtimes read the file too.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8, producer_name="ood")
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


@torch.no_grad()
def compare(path: Path, net: SequenceLstm, tokens: Tensor) -> dict:
    """The graph against PyTorch, and its first row alone, and shorter, against the batch."""
    run = session(path)
    (got,) = run.run(["logits"], {"tokens": tokens.numpy()})
    (one,) = run.run(["logits"], {"tokens": tokens[:1].numpy()})
    half = tokens.shape[1] // 2
    (short,) = run.run(["logits"], {"tokens": tokens[:, :half].numpy()})
    return {
        "rows": len(tokens),
        "maxAbs": float(np.abs(got - net(tokens).numpy()).max()),
        "maxAbsSingle": float(np.abs(got[:1] - one).max()),
        "maxAbsShorter": float(np.abs(got[:, :half] - short).max()),
    }


@torch.no_grad()
def evaluate(net: SequenceLstm, tokens: np.ndarray, batch: int = 250) -> dict:
    """Mean log p per predicted token in nats of clean sequences, for background models too."""
    rows = torch.from_numpy(tokens).long()
    logs = torch.cat([net.log_prob(chunk).mean(1) for chunk in rows.split(batch)]).double()
    return {"logProbPerToken": float(logs.mean()), "sequences": len(rows)}


def write_checkpoint(
    net: SequenceLstm, folder: Path, *, name: str, dataset: str, length: int, mutation: Mutation | None, training: dict, metrics: dict
) -> dict:
    """manifest.json beside logits.onnx, which must be there."""
    v, u = net.config.vocabulary, net.config.units
    graph = graph_entry(folder, FILE, {"tokens": ["N", "T"]}, {"logits": ["N", "T", v]})
    graph["multiplications"] = (length - 1) * (4 * u * (v + u) + u * v)
    entry = {
        "schemaVersion": 1,
        "kind": "sequence",
        "name": name,
        **role_fields(mutation),
        "graphs": {"logits": graph},
        "data": {"dataset": dataset, "shape": [length], "valueRange": [0, v - 1], "dtype": "uint8"},
        "preprocessing": [],
        "sequence": {"vocabulary": v},
        "model": net.config.to_dict(),
        "training": {
            **training, "hardware": hardware(), "weights": "ema", "parameters": net.parameter_count(),
            "gitRevision": revision(), "torch": torch.__version__.split("+")[0],
        },
        "metrics": metrics,
        "sha256": {FILE: sha256(folder / FILE)},
    }
    (folder / "manifest.json").write_text(json.dumps(entry, indent=2) + "\n")
    return entry


def export_run(checkpoint: Path, folder: Path, source: Path, *, count: int = 2000) -> dict:
    """Test sequences are only scored for the record; nothing is chosen by them."""
    net, run, record = load_ema(checkpoint)
    folder.mkdir(parents=True, exist_ok=True)
    write_graph(net, folder / FILE)
    trained = len(read_genomes(source, "train_in", run.limit))
    rows = {split: read_genomes(source, split, count) for split in ("val_in", "val_ood", "test_in", "test_ood")}
    tokens = torch.from_numpy(rows["val_in"][:64]).long()
    # What synthetic genomes were made from, in full: the same sequences can be drawn again from it.
    recipe = source / "genomes.json"
    genomes = {"genomes": json.loads(recipe.read_text())} if recipe.exists() else {}
    return write_checkpoint(
        net, folder, name=run.name, dataset=run.dataset, length=rows["val_in"].shape[1],
        mutation=run.mutation,
        training={
            **genomes, "config": run.to_dict(), "seed": run.seed, "steps": record["step"],
            "epochs": round(record["step"] * run.batch / trained, 2),
            "wallTimeSeconds": round(record["elapsed"]), "budgetMinutes": record["max_minutes"],
        },
        metrics={
            **{split: evaluate(net, tokens) for split, tokens in rows.items()},
            "export": compare(folder / FILE, net, tokens),
        },
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="run folder, or a .ckpt file")
    parser.add_argument("out", type=Path)
    parser.add_argument("--which", default="last", help="best or last")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of all runs, and of synthetic genomes")
    parser.add_argument("--data-dir", type=Path, help="folder of the public data instead")
    parser.add_argument("--count", type=int, default=2000, help="sequences scored of each split")
    args = parser.parse_args()
    checkpoint = args.run if args.run.suffix == ".ckpt" else args.run / f"{args.which}.ckpt"
    torch.set_num_threads(1)
    _, run, _ = load_ema(checkpoint)
    entry = export_run(checkpoint, args.out, folder_of(run, args.runs, args.data_dir), count=args.count)
    graph = entry["graphs"]["logits"]
    print(f"logits {(args.out / FILE).stat().st_size / 1e6:.2f} MB {graph['multiplications'] / 1e6:.2f} MMAC", graph["operators"])
    print(json.dumps(entry["metrics"], indent=1))


if __name__ == "__main__":
    main()
