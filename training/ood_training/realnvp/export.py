"""Export a run as a checkpoint folder: `python -m ood_training.realnvp.export RUN_FOLDER OUT_FOLDER`.

encode.onnx (x -> z, logdet, with every coupling's s, t and y as named inner values), decode.onnx (z -> x) and
manifest.json. Both graphs are compared with the unfolded flow in float64, on validation rows and on samples.
"""

from __future__ import annotations

import argparse
import copy
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..data.mutation import role_fields
from ..export import graph_entry, hardware, revision, session, sha256
from ..saved import load_run
from .data import FlowData, model_space
from .flow import ReferenceFlow
from .graphs import write_graphs
from .layout import latents, layers
from .likelihood import PREPROCESSING, auroc, bits_per_dim, rows_log_likelihood
from .run_config import RunConfig

#: rows that graphs are compared on.
CHECKED = 64
#: rows of each set whose AUROC is recorded.
SCORED = 1000


def load_flow(checkpoint: Path) -> tuple[ReferenceFlow, RunConfig, dict]:
    """The flow a run is evaluated with, its configuration, and the checkpoint's record of the run."""
    return load_run(checkpoint, RunConfig.from_dict, lambda config: ReferenceFlow(config.model))


def _worst(got: np.ndarray, want: np.ndarray) -> dict[str, float]:
    gap = np.abs(got.astype(np.float64) - want)
    return {"maxAbs": float(gap.max()), "maxRelative": float((gap / np.maximum(1.0, np.abs(want))).max())}


@torch.no_grad()
def compare(folder: Path, flow: ReferenceFlow, x: Tensor) -> dict:
    """Both graphs (float32) against the unfolded flow in float64 on x, and the round trip decode(encode(x)) - x."""
    exact = copy.deepcopy(flow).double()
    encode, decode = session(folder / "encode.onnx"), session(folder / "decode.onnx")
    z, logdet = exact.encode(x.double())
    got_z, got_logdet = encode.run(["z", "logdet"], {"x": x.numpy()})
    latent = z.float()
    (got_x,) = decode.run(["x"], {"z": latent.numpy()})
    (back,) = decode.run(["x"], {"z": got_z})
    (one,) = encode.run(["z"], {"x": x[:1].numpy()})
    if one.shape != (1, flow.dim):
        raise ValueError(f"encode: expected one row for one row, got {one.shape}")
    return {
        "rows": len(x),
        "encode": {"z": _worst(got_z, z.numpy()), "logdet": _worst(got_logdet, logdet.numpy())},
        "decode": {"x": _worst(got_x, exact.decode(latent.double()).numpy())},
        "roundTrip": _worst(back, x.numpy()),
    }


def jacobian_logdet(flow: ReferenceFlow, x: Tensor) -> dict[str, float]:
    """log|det dz/dx| of one row by automatic differentiation and LU in float64, and what the flow says."""
    exact = copy.deepcopy(flow).double()
    row = x[:1].double()
    jacobian = torch.autograd.functional.jacobian(lambda v: exact.encode(v)[0][0], row, vectorize=True)
    with torch.no_grad():
        _, logdet = exact.encode(row)
    want = torch.linalg.slogdet(jacobian.reshape(flow.dim, flow.dim))[1]
    return {"logdet": float(logdet[0]), "jacobian": float(want), "error": abs(float(logdet[0] - want))}


@torch.no_grad()
def scores(flow: ReferenceFlow, rows: np.ndarray, seed: int = 777) -> Tensor:
    return rows_log_likelihood(flow, torch.from_numpy(np.ascontiguousarray(rows)), seed)


def figures(flow: ReferenceFlow, data: FlowData, test_rows: int) -> dict:
    """Mean and median bits/dim of held-out rows, and AUROC of -log p against every monitored set, OOD positive."""
    splits = {"validation": data.rows.validation[:test_rows], "test": data.rows.test[:test_rows]}
    likelihoods = {name: scores(flow, rows) for name, rows in splits.items()}
    entry: dict = {"logLikelihood": {name: float(v.mean()) for name, v in likelihoods.items()}}
    if data.moments is None:
        bits = {name: bits_per_dim(v, flow.dim) for name, v in likelihoods.items()}
        entry["bitsPerDim"] = {name: float(v.mean()) for name, v in bits.items()}
        entry["medianBitsPerDim"] = {name: float(v.median()) for name, v in bits.items()}
    entry["rows"] = {name: len(v) for name, v in likelihoods.items()}
    inside = likelihoods["test"][:SCORED]
    for name, rows in data.ood.items():
        outside = scores(flow, rows[:SCORED])
        entry.setdefault("auroc", {})[name] = auroc(inside, outside)
        entry.setdefault("oodLogLikelihood", {})[name] = float(outside.mean())
    return entry


def ports(config: RunConfig, flow: ReferenceFlow) -> tuple[dict, dict]:
    """(encode, decode) as {inputs, outputs} of a manifest."""
    x, z = ["N", *config.model.shape], ["N", flow.dim]
    return {"inputs": {"x": x}, "outputs": {"z": z, "logdet": ["N"]}}, {"inputs": {"z": z}, "outputs": {"x": x}}


def data_entry(config: RunConfig, data: FlowData) -> tuple[dict, list[dict]]:
    """What raw rows are, and the steps from them to model space."""
    entry = {"dataset": config.dataset, "shape": list(config.model.shape)}
    if data.moments is None:
        return {**entry, "valueRange": [0, 255], "dtype": "uint8"}, PREPROCESSING
    mean, std = data.moments
    raw = data.rows.train * std + mean
    span = [float(np.floor(raw.min())), float(np.ceil(raw.max()))]
    steps = [{"name": "standardize", "mean": mean.tolist(), "std": std.tolist()}]
    return {**entry, "valueRange": span, "dtype": "float32"}, steps


def manifest(config: RunConfig, folded: ReferenceFlow, folder: Path, *, data: dict, preprocessing: list[dict],
             training: dict, metrics: dict) -> dict:
    """Write manifest.json beside the graphs. `model.layers` and `model.latents` say what is where inside the flow."""
    encode, decode = ports(config, folded)
    entry = {
        "schemaVersion": 1, "kind": "flow", "name": config.name, **role_fields(config.mutation),
        "graphs": {
            "encode": graph_entry(folder, "encode.onnx", **encode),
            "decode": graph_entry(folder, "decode.onnx", **decode),
        },
        "data": data, "preprocessing": preprocessing, "latentShape": [folded.dim], "base": "standard-normal",
        "model": {**config.model.to_dict(), "layers": layers(folded), "latents": latents(folded)},
        "training": training, "metrics": metrics,
        "sha256": {file: sha256(folder / file) for file in ("encode.onnx", "decode.onnx")},
    }
    (folder / "manifest.json").write_text(json.dumps(entry, indent=2) + "\n")
    return entry


def export_run(checkpoint: Path, folder: Path, data: FlowData | None = None, test_rows: int = 2000) -> dict:
    flow, config, record = load_flow(checkpoint)
    data = data or FlowData(config)
    folder.mkdir(parents=True, exist_ok=True)
    folded = flow.folded()
    write_graphs(folded, folder)
    check = torch.from_numpy(np.ascontiguousarray(data.rows.validation[:CHECKED]))
    real, _ = model_space(check, torch.Generator().manual_seed(5))
    with torch.no_grad():
        drawn = flow.sample(CHECKED, torch.Generator().manual_seed(6))
    entry, preprocessing = data_entry(config, data)
    return manifest(
        config, folded, folder, data=entry, preprocessing=preprocessing,
        training={
            "config": config.to_dict(), "seed": config.seed, "steps": record["step"],
            "epochs": round(record["step"] / data.steps_per_epoch, 2), "wallTimeSeconds": round(record["elapsed"]),
            "hardware": hardware(), "parameters": flow.parameter_count(), "weights": "ema" if config.ema else "last",
            "gitRevision": revision(), "torch": torch.__version__.split("+")[0],
        },
        metrics={
            **figures(flow, data, test_rows),
            "export": {
                "real": compare(folder, flow, real), "samples": compare(folder, flow, drawn),
                "jacobian": jacobian_logdet(flow, real),
            },
        },
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="run folder, or a .ckpt file")
    parser.add_argument("out", type=Path)
    parser.add_argument("--which", default="last", help="best or last")
    parser.add_argument("--rows", type=int, default=2000, help="held-out rows that are scored")
    args = parser.parse_args()
    checkpoint = args.run if args.run.suffix == ".ckpt" else args.run / f"{args.which}.ckpt"
    torch.set_num_threads(1)
    entry = export_run(checkpoint, args.out, test_rows=args.rows)
    for role, graph in entry["graphs"].items():
        size = (args.out / graph["file"]).stat().st_size
        print(role, f"{size / 1e6:.2f} MB", f"{graph['multiplications'] / 1e6:.2f} MMAC", graph["operators"])
    print(json.dumps(entry["metrics"], indent=1))


if __name__ == "__main__":
    main()
