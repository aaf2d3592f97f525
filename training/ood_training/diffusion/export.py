"""Export a trained score network as a checkpoint: `python -m ood_training.diffusion.export RUN_FOLDER OUT_FOLDER`.

The folder holds manifest.json and score.onnx: x [N, ...], t [N] -> net [N, ...] = std(t) * score(x, t), float32, batch
axis "N". The weights are the EMA's. For images, `samples.png` shows what the network generates.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..data.idx import read_images
from ..data.splits import train_validation
from ..export import OPSET, graph_entry, hardware, revision, session, sha256
from ..graph import save_graph
from .config import DiffusionConfig
from .data import PREPROCESSING, to_model_space
from .ema import load_ema
from .objective import draw_times, loss_per_image
from .precondition import ScoreNetwork
from .sample import grid_png, sample

FILE = "score.onnx"

#: times at which the noise prediction's error is recorded.
LEVELS = (0.001, 0.01, 0.03, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)


@torch.no_grad()
def evaluate(net: ScoreNetwork, x: Tensor, kind: str, weighting: str, seed: int = 777, batch: int = 250) -> dict:
    """Mean loss over one draw of times and noise a row, and the plain error of the predicted noise at fixed times."""
    generator = torch.Generator().manual_seed(seed)
    losses, errors = [], []
    for rows in x.split(batch):
        t = draw_times(net.sde, kind, len(rows), generator)
        loss, error = loss_per_image(net, rows, t, torch.randn(rows.shape, generator=generator), weighting)
        losses.append(loss)
        errors.append(error)
    at_level = {}
    some = x[: 4 * batch]
    for level in LEVELS:
        noise = torch.randn(some.shape, generator=generator)
        parts = [
            loss_per_image(net, rows, torch.full((len(rows),), level), eps, "epsilon")[1]
            for rows, eps in zip(some.split(batch), noise.split(batch))
        ]
        at_level[str(level)] = float(torch.cat(parts).mean())
    return {"loss": float(torch.cat(losses).mean()), "noiseError": float(torch.cat(errors).mean()),
            "noiseErrorAt": at_level, "rows": len(x)}


@torch.no_grad()
def compare(path: Path, net: ScoreNetwork, x: Tensor) -> dict:
    """The graph against PyTorch at several times in one batch, and at a second batch size."""
    run = session(path)
    generator = torch.Generator().manual_seed(3)
    t = torch.tensor(LEVELS, dtype=torch.float32).repeat(len(x) // len(LEVELS) + 1)[: len(x)]
    shape = (-1, *([1] * (x.dim() - 1)))
    noisy = net.sde.mean(t).reshape(shape) * x + net.sde.std(t).reshape(shape) * torch.randn(x.shape, generator=generator)
    (got,) = run.run(["net"], {"x": noisy.numpy(), "t": t.numpy()})
    (one,) = run.run(["net"], {"x": noisy[:1].numpy(), "t": t[:1].numpy()})
    want = net(noisy, t).numpy()
    return {"rows": len(x), "maxAbs": float(np.abs(got - want).max()), "maxAbsSingle": float(np.abs(one - want[:1]).max())}


def write_graph(net: ScoreNetwork, shape: list[int], path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn((2, *shape), generator=generator)
    save_graph(net, (x, torch.tensor([0.1, 0.5])), path, ["x", "t"], ["net"], OPSET)


def write_checkpoint(
    net: ScoreNetwork, config: DiffusionConfig, folder: Path, *, data: dict, preprocessing: list, training: dict, metrics: dict
) -> dict:
    """manifest.json beside score.onnx, which must be there."""
    shape = list(config.net.shape)
    entry = {
        "schemaVersion": 1,
        "kind": "diffusion",
        "name": config.name,
        "graphs": {"score": graph_entry(folder, FILE, {"x": ["N", *shape], "t": ["N"]}, {"net": ["N", *shape]})},
        "data": data,
        "preprocessing": preprocessing,
        "sde": net.sde.manifest(),
        "prediction": "scaled-score",
        "model": config.to_dict()["net"],
        "training": {
            **training,
            "config": config.to_dict(), "seed": config.seed, "hardware": hardware(), "weights": "ema",
            "parameters": sum(p.numel() for p in net.parameters()),
            "gitRevision": revision(), "torch": torch.__version__.split("+")[0],
        },
        "metrics": metrics,
        "sha256": {FILE: sha256(folder / FILE)},
    }
    (folder / "manifest.json").write_text(json.dumps(entry, indent=2) + "\n")
    return entry


def export_run(checkpoint: Path, folder: Path, *, test: bool) -> dict:
    net, config, record = load_ema(checkpoint)
    folder.mkdir(parents=True, exist_ok=True)
    write_graph(net, config.net.shape, folder / FILE)
    trained, validation = train_validation(config.dataset, config.validation, config.exclude)
    splits = {"validation": validation, **({"test": read_images(config.dataset, "test")} if test else {})}
    scores = {
        name: evaluate(net, to_model_space(torch.from_numpy(images.copy())), config.times, config.weighting)
        for name, images in splits.items()
    }
    real = to_model_space(torch.from_numpy(validation[:63].copy()))
    (folder / "samples.png").write_bytes(grid_png(sample(net, (64, *config.net.shape), seed=0), 16))
    return write_checkpoint(
        net, config, folder,
        data={"dataset": config.dataset, "shape": list(config.net.shape), "valueRange": [0, 255], "dtype": "uint8"},
        preprocessing=PREPROCESSING,
        training={
            "steps": record["step"], "epochs": round(record["step"] * config.batch / len(trained), 2),
            "wallTimeSeconds": round(record["elapsed"]), "budgetMinutes": record["max_minutes"],
            "excludedIndices": config.exclude,
        },
        metrics={**scores, "export": compare(folder / FILE, net, real)},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="run folder, or a .ckpt file")
    parser.add_argument("out", type=Path)
    parser.add_argument("--which", default="last", help="best or last")
    parser.add_argument("--test", action="store_true", help="also score the whole test split (final export)")
    args = parser.parse_args()
    checkpoint = args.run if args.run.suffix == ".ckpt" else args.run / f"{args.which}.ckpt"
    torch.set_num_threads(1)
    entry = export_run(checkpoint, args.out, test=args.test)
    graph = entry["graphs"]["score"]
    size = (args.out / FILE).stat().st_size
    print(f"score {size / 1e6:.2f} MB", f"{graph['multiplications'] / 1e6:.2f} MMAC", graph["operators"])
    print(json.dumps(entry["metrics"], indent=1))


if __name__ == "__main__":
    main()
