"""A few synthetic images and a run configuration small enough to train within a test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ood_training.config import TrainConfig
from ood_training.datamodule import ImageData
from ood_training.make_fixtures import tiny
from ood_training.module import FlowModule
from ood_training.train import fit


def images(count: int, seed: int = 0) -> np.ndarray:
    """Smooth blobs of bytes, [count, 1, 8, 8]."""
    rng = np.random.default_rng(seed)
    grid = np.linspace(-1, 1, 8)
    centres = rng.uniform(-0.7, 0.7, (count, 2, 1, 1))
    blob = np.exp(-4 * ((grid[None, :, None] - centres[:, 0]) ** 2 + (grid[None, None] - centres[:, 1]) ** 2))
    return np.rint(255 * blob).astype(np.uint8)[:, None]


def config(coupling: str, steps: int = 2, dropout: float = 0.0, **changes: object) -> TrainConfig:
    flow = tiny(coupling)
    for level in flow.levels:
        level.dropout = dropout
    return TrainConfig(name=f"two-steps-{coupling}", dataset="synthetic", flow=flow, batch=16, steps=steps,
                       warmup=1, lr=1e-3, init_images=32, **changes)


def train(folder: Path, settings: TrainConfig, stop_at: int | None = None, **options: object) -> FlowModule:
    """Train to the end of the budget, or stop after `stop_at` steps as a kill would."""
    data = ImageData(settings, (images(64), images(32, seed=1)))
    limits = {} if stop_at is None else {"max_steps": stop_at}
    return fit(settings, data, folder, accelerator="cpu", devices=1, log_every=1000,
               validate_every=options.pop("validate_every", 1000), **limits, **options)


def weights(module: FlowModule) -> torch.Tensor:
    return torch.cat([v.flatten().double() for v in module.state_dict().values()])
