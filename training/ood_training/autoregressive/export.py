"""Export a trained PixelCNN++ as a checkpoint folder: `python -m ood_training.autoregressive.export RUN_FOLDER OUT_FOLDER`.

The folder holds manifest.json and params.onnx (x in [-1, 1] -> logits, locations, scales and, with several channels,
coefficients), float32, batch axis "N", weight norm folded into plain kernels, the network written for inference engines (folded.py). The weights are the EMA's. The sampling
loop and the mixture's log-probability are not in the graph.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..data.idx import read_images
from ..data.mutation import Mutation, role_fields
from ..data.splits import train_validation
from ..export import OPSET, graph_entry, hardware, revision, session, sha256
from ..graph import merge_padding, save_graph
from ..saved import load_run
from .config import PixelCnnRun
from .data import PREPROCESSING
from .folded import FoldedPixelCnn
from .pixelcnn import PixelCnn, PixelCnnConfig

FILE = "params.onnx"


def load_ema(checkpoint: Path) -> tuple[PixelCnn, PixelCnnRun, dict]:
    """The EMA network, its configuration and the checkpoint's record of the run."""
    return load_run(checkpoint, PixelCnnRun.from_dict, lambda run: PixelCnn(run.net))


class Params(nn.Module):
    """What the graph computes: outputs in the order of `output_shapes`."""

    def __init__(self, net: PixelCnn) -> None:
        super().__init__()
        self.net = FoldedPixelCnn(net)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, ...]:
        return tuple(self.net(x, condition).values())


def input_shapes(config: PixelCnnConfig) -> dict[str, list]:
    shapes = {"x": ["N", *config.shape]}
    return {**shapes, "condition": ["N", *config.condition]} if config.condition else shapes


def output_shapes(config: PixelCnnConfig) -> dict[str, list]:
    (c, h, w), m = config.shape, config.components
    shapes = {"logits": ["N", m, h, w], "locations": ["N", m, c, h, w], "scales": ["N", m, c, h, w]}
    return {**shapes, "coefficients": ["N", m, c * (c - 1) // 2, h, w]} if c > 1 else shapes


def write_graph(net: PixelCnn, path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = input_shapes(net.config)
    examples = tuple(torch.rand((2, *shape[1:]), generator=generator) for shape in shapes.values())
    save_graph(Params(net), examples, path, list(shapes), list(output_shapes(net.config)), OPSET, merge_padding)


@torch.no_grad()
def compare(path: Path, net: PixelCnn, feeds: dict[str, Tensor]) -> dict:
    """The graph against the unfolded PyTorch network, and its first row alone against the batch."""
    run = session(path)
    names = list(output_shapes(net.config))
    got = run.run(names, {k: v.numpy() for k, v in feeds.items()})
    one = run.run(names, {k: v[:1].numpy() for k, v in feeds.items()})
    want = list(net(*feeds.values()).values())
    return {
        "rows": len(feeds["x"]),
        "maxAbs": max(float(np.abs(a - b.numpy()).max()) for a, b in zip(got, want)),
        "maxAbsSingle": max(float(np.abs(a[:1] - b).max()) for a, b in zip(got, one)),
    }


@torch.no_grad()
def evaluate(net: PixelCnn, pixels: np.ndarray, batch: int = 50) -> dict:
    """Mean log p in nats and bits per dimension of clean images, for background models too."""
    rows = torch.from_numpy(np.array(pixels)).float()
    logs = torch.cat([net.log_prob(chunk) for chunk in rows.split(batch)]).double()
    return {"bitsPerDim": float(-logs.mean() / (math.log(2) * rows[0].numel())), "logProb": float(logs.mean()), "images": len(rows)}


def write_checkpoint(
    net: PixelCnn, folder: Path, *, name: str, dataset: str, mutation: Mutation | None, training: dict, metrics: dict
) -> dict:
    """manifest.json beside params.onnx, which must be there."""
    config = net.config
    mixture = {
        "name": "logistic", "components": config.components, "low": config.low, "high": config.high,
        "channelDependence": config.dependence,
    }
    entry = {
        "schemaVersion": 1,
        "kind": "autoregressive",
        "name": name,
        **role_fields(mutation),
        "graphs": {"params": graph_entry(folder, FILE, input_shapes(config), output_shapes(config))},
        "data": {"dataset": dataset, "shape": list(config.shape), "valueRange": [config.low, config.high], "dtype": "uint8"},
        "preprocessing": PREPROCESSING,
        "mixture": mixture,
        **({"conditionShape": list(config.condition)} if config.condition else {}),
        "model": config.to_dict(),
        "training": {
            **training, "hardware": hardware(), "weights": "ema",
            "parameters": sum(p.numel() for p in net.parameters()),
            "parametersWithMasked": net.reference_parameters(),
            "gitRevision": revision(), "torch": torch.__version__.split("+")[0],
        },
        "metrics": metrics,
        "sha256": {FILE: sha256(folder / FILE)},
    }
    (folder / "manifest.json").write_text(json.dumps(entry, indent=2) + "\n")
    return entry


def export_run(checkpoint: Path, folder: Path, *, test: int) -> dict:
    net, run, record = load_ema(checkpoint)
    folder.mkdir(parents=True, exist_ok=True)
    write_graph(net, folder / FILE)
    trained, validation = train_validation(run.dataset, run.validation, run.exclude)
    splits = {"validation": validation[:500], **({"test": read_images(run.dataset, "test")[:test]} if test else {})}
    scores = {name: evaluate(net, images) for name, images in splits.items()}
    real = net.scale(torch.from_numpy(validation[:16].copy()).float())
    return write_checkpoint(
        net, folder, name=run.name, dataset=run.dataset,
        mutation=run.mutation,
        training={
            "config": run.to_dict(), "seed": run.seed, "steps": record["step"],
            "epochs": round(record["step"] * run.batch / len(trained), 2),
            "wallTimeSeconds": round(record["elapsed"]), "budgetMinutes": record["max_minutes"],
            "excludedIndices": run.exclude,
        },
        metrics={
            **{key: {split: score[key] for split, score in scores.items()} for key in ("bitsPerDim", "logProb", "images")},
            "export": compare(folder / FILE, net, {"x": real}),
        },
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="run folder, or a .ckpt file")
    parser.add_argument("out", type=Path)
    parser.add_argument("--which", default="last", help="best or last")
    parser.add_argument("--test", type=int, default=0, help="also score this many test images (final export)")
    args = parser.parse_args()
    checkpoint = args.run if args.run.suffix == ".ckpt" else args.run / f"{args.which}.ckpt"
    torch.set_num_threads(1)
    entry = export_run(checkpoint, args.out, test=args.test)
    graph = entry["graphs"]["params"]
    print(f"params {(args.out / FILE).stat().st_size / 1e6:.2f} MB {graph['multiplications'] / 1e6:.2f} MMAC", graph["operators"])
    print(json.dumps(entry["metrics"], indent=1))


if __name__ == "__main__":
    main()
