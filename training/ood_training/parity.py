"""Train two steps of each model, export, and write golden values: `python -m ood_training.parity OUT_FOLDER`.

OUT_FOLDER/<affine|rqs>/ is then a checkpoint with a golden.json of inputs, log p, z, decode and decoder JVPs. The
TypeScript tests read it and compare at 1e-4 relative: what was trained is what is scored.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from .config import TrainConfig
from .data.transforms import preprocess
from .datamodule import ImageData
from .export import compare, load_ema, manifest, write_graphs
from .flows import FlowConfig, LevelConfig
from .golden import write_golden
from .train import fit

SHAPE = (1, 28, 28)


def small(coupling: str) -> FlowConfig:
    """The shipped models' shapes with few steps and narrow nets."""
    return FlowConfig(
        coupling=coupling, shape=SHAPE, bins=4, seed=2,
        levels=[
            LevelConfig(squeeze=2, steps=2, net="patch", hidden=8, patch=2, context=4),
            LevelConfig(squeeze=2, steps=1, net="residual", hidden=8, blocks=1, dropout=0.2),
            LevelConfig(squeeze=7, steps=1, net="dense", hidden=16, blocks=0),
        ],
    )


def synthetic(count: int, seed: int) -> np.ndarray:
    """Bytes [count, 1, 28, 28]: bright discs on black, so the checks need no data set."""
    rng = np.random.default_rng(seed)
    rows = np.arange(28.0)
    centre = rng.uniform(8, 20, (count, 2, 1, 1))
    radius = rng.uniform(3, 8, (count, 1, 1))
    distance = np.hypot(rows[None, :, None] - centre[:, 0], rows[None, None] - centre[:, 1])
    return np.clip(255 * (radius - distance + 1), 0, 255).astype(np.uint8)[:, None]


def parity(coupling: str, folder: Path) -> dict:
    """Two steps, export and golden values in `folder`; the run itself in `folder`/run."""
    config = TrainConfig(name=f"parity-{coupling}", dataset="synthetic", flow=small(coupling), batch=16, steps=2,
                         warmup=1, init_images=64)
    data = ImageData(config, (synthetic(128, 0), synthetic(16, 1)))
    fit(config, data, folder / "run", accelerator="cpu", devices=1)
    flow, _, _ = load_ema(folder / "run" / "last.ckpt")
    write_graphs(flow, folder)
    noise = torch.rand(4, *SHAPE, generator=torch.Generator().manual_seed(1))
    x, _ = preprocess(torch.from_numpy(synthetic(4, 2)), noise)
    write_golden(flow, x, folder, directions=2)
    training = {"config": config.to_dict(), "seed": config.seed, "steps": 2}
    return manifest(flow, folder, name=config.name, dataset="synthetic", training=training,
                    metrics={"export": {"real": compare(folder, flow, x)}})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    for coupling in ("affine", "rqs"):
        entry = parity(coupling, args.out / coupling)
        print(coupling, entry["metrics"]["export"]["real"])


if __name__ == "__main__":
    main()
