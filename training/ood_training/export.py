"""Export a trained flow as a checkpoint folder: `python -m ood_training.export RUN_FOLDER OUT_FOLDER`.

The folder holds manifest.json, encode.onnx (x -> z, logdet) and decode.onnx (z -> x), float32, batch axis "N". The
weights are the EMA's. Both graphs are compared with PyTorch on validation images and on the flow's own samples (random
latents) before the manifest is written.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor

from .config import TrainConfig
from .data.idx import read_images
from .data.mutation import Mutation, role_fields
from .data.splits import train_validation
from .data.stream import noisy
from .data.transforms import PREPROCESSING, bits_per_dim, preprocess
from .flows import Flow
from .fold import Decoder, Encoder, FoldedFlow
from .graph import multiplications, save_graph
from .saved import load_run

OPSET = 18


def load_ema(checkpoint: Path) -> tuple[Flow, TrainConfig, dict]:
    """The EMA flow, its configuration and the checkpoint's record of the run."""
    return load_run(checkpoint, TrainConfig.from_dict, lambda config: Flow(config.flow))


def session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _errors(got: np.ndarray, want: np.ndarray) -> dict[str, float]:
    gap = np.abs(got.astype(np.float64) - want)
    return {"maxAbs": float(gap.max()), "maxRelative": float((gap / np.maximum(1.0, np.abs(want))).max())}


@torch.no_grad()
def compare(folder: Path, flow: Flow, x: Tensor) -> dict:
    """Both graphs against the unfolded PyTorch flow on x, and the round trip decode(encode(x)) - x in ONNX."""
    encode, decode = session(folder / "encode.onnx"), session(folder / "decode.onnx")
    z, logdet = flow.encode(x)
    got_z, got_logdet = encode.run(["z", "logdet"], {"x": x.numpy()})
    (got_x,) = decode.run(["x"], {"z": z.numpy()})
    (back,) = decode.run(["x"], {"z": got_z})
    # A second batch size proves that the batch axis is free.
    single_z, _ = encode.run(["z", "logdet"], {"x": x[:1].numpy()})
    assert single_z.shape == (1, flow.dim), f"encode: expected batch 1, got {single_z.shape}"
    return {
        "images": len(x),
        "encode": {"z": _errors(got_z, z.numpy()), "logdet": _errors(got_logdet, logdet.numpy())},
        "decode": {"x": _errors(got_x, flow.decode(z).numpy())},
        "roundTrip": _errors(back, x.numpy()),
    }


@torch.no_grad()
def evaluate(
    flow: Flow, pixels: np.ndarray, seed: int = 777, batch: int = 250, mutation: Mutation | None = None
) -> dict[str, float]:
    """Mean bits per dimension of the pixels, mutated if asked, and mean log p in model space; one noise draw per image."""
    generator = torch.Generator().manual_seed(seed)
    bits, logs = [], []
    for chunk in torch.from_numpy(np.ascontiguousarray(pixels)).split(batch):
        x, logdet = preprocess(*noisy(chunk, generator, mutation))
        log_prob = flow.log_prob(x)
        logs.append(log_prob)
        bits.append(bits_per_dim(log_prob, logdet, flow.dim))
    return {"bitsPerDim": float(torch.cat(bits).mean()), "logProb": float(torch.cat(logs).mean()), "images": len(pixels)}


def write_graphs(flow: Flow, folder: Path) -> None:
    folded = FoldedFlow(flow)
    shape = flow.config.shape
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, *shape, generator=generator)
    z = torch.randn(2, flow.dim, generator=generator)
    save_graph(Encoder(folded), x, folder / "encode.onnx", ["x"], ["z", "logdet"], OPSET)
    save_graph(Decoder(folded), z, folder / "decode.onnx", ["z"], ["x"], OPSET)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def revision() -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, cwd=Path(__file__).parent)
    return done.stdout.strip() or "unknown"


def hardware() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def graph_entry(folder: Path, file: str, inputs: dict, outputs: dict) -> dict:
    graph = onnx.load(folder / file)
    ops = Counter(node.op_type for node in graph.graph.node)
    return {"file": file, "inputs": inputs, "outputs": outputs, "opset": OPSET,
            "operators": dict(sorted(ops.items())), "multiplications": multiplications(graph)}


def manifest(
    flow: Flow, folder: Path, *, name: str, dataset: str, training: dict, metrics: dict, mutation: Mutation | None = None
) -> dict:
    shape = list(flow.config.shape)
    entry = {
        "schemaVersion": 1,
        "kind": "flow",
        "name": name,
        **role_fields(mutation),
        "graphs": {
            "encode": graph_entry(folder, "encode.onnx", {"x": ["N", *shape]}, {"z": ["N", flow.dim], "logdet": ["N"]}),
            "decode": graph_entry(folder, "decode.onnx", {"z": ["N", flow.dim]}, {"x": ["N", *shape]}),
        },
        "data": {"dataset": dataset, "shape": shape, "valueRange": [0, 255], "dtype": "uint8"},
        "preprocessing": PREPROCESSING,
        "latentShape": [flow.dim],
        "base": "standard-normal",
        "model": flow.config.to_dict(),
        "training": training,
        "metrics": metrics,
        "sha256": {file: sha256(folder / file) for file in ("encode.onnx", "decode.onnx")},
    }
    (folder / "manifest.json").write_text(json.dumps(entry, indent=2) + "\n")
    return entry


def export_run(checkpoint: Path, folder: Path, *, test: bool, check_images: int = 64) -> dict:
    flow, config, record = load_ema(checkpoint)
    folder.mkdir(parents=True, exist_ok=True)
    write_graphs(flow, folder)
    trained, validation = train_validation(config.dataset, config.validation, config.exclude)
    noise = torch.rand((check_images, *config.flow.shape), generator=torch.Generator().manual_seed(5))
    real, _ = preprocess(torch.from_numpy(validation[:check_images].copy()), noise)
    latent = torch.randn(check_images, flow.dim, generator=torch.Generator().manual_seed(6))
    with torch.no_grad():
        samples = flow.decode(latent)
    splits = {"validation": validation, **({"test": read_images(config.dataset, "test")} if test else {})}
    # Of clean images for background models too: those are what a likelihood ratio scores.
    scores = {split: evaluate(flow, images) for split, images in splits.items()}
    metrics = {key: {split: score[key] for split, score in scores.items()} for key in ("bitsPerDim", "logProb", "images")}
    if config.mutation is not None:
        mutated = {split: evaluate(flow, images, mutation=config.mutation) for split, images in splits.items()}
        metrics["mutatedBitsPerDim"] = {split: score["bitsPerDim"] for split, score in mutated.items()}
    metrics = {
        **metrics,
        "export": {"real": compare(folder, flow, real), "samples": compare(folder, flow, samples)},
    }
    training = {
        "config": config.to_dict(),
        "seed": config.seed,
        "steps": record["step"],
        "epochs": round(record["step"] * config.batch / len(trained), 2),
        "wallTimeSeconds": round(record["elapsed"]),
        "budgetMinutes": record["max_minutes"],
        "hardware": hardware(),
        "parameters": flow.parameter_count(),
        "weights": "ema",
        "gitRevision": revision(),
        "excludedIndices": config.exclude,
        "torch": torch.__version__.split("+")[0],
    }
    return manifest(
        flow, folder, name=config.name, dataset=config.dataset, training=training, metrics=metrics, mutation=config.mutation
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="run folder, or a .ckpt file")
    parser.add_argument("out", type=Path)
    parser.add_argument("--which", default="best", help="best or last")
    parser.add_argument("--test", action="store_true", help="also score the whole test split (final export)")
    args = parser.parse_args()
    checkpoint = args.run if args.run.suffix == ".ckpt" else args.run / f"{args.which}.ckpt"
    torch.set_num_threads(1)
    entry = export_run(checkpoint, args.out, test=args.test)
    for role, graph in entry["graphs"].items():
        size = (args.out / graph["file"]).stat().st_size
        print(role, f"{size / 1e6:.2f} MB", f"{graph['multiplications'] / 1e6:.2f} MMAC", graph["operators"])
    print(json.dumps(entry["metrics"], indent=1))


if __name__ == "__main__":
    main()
