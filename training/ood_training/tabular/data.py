"""Points as batches: read from .npy; order and noise are a pure function of (seed, step)."""

from __future__ import annotations

import math
from pathlib import Path

import lightning as L
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from ..config import TrainConfig
from ..data.stream import StepBatches
from ..data.transforms import LEVELS
from .config import Points


def read_points(points: Points, runs: Path) -> tuple[np.ndarray, np.ndarray]:
    """(train, validation), float32 [N, D]."""
    folder = points.folder(runs)
    if not (folder / "points.json").exists():
        raise FileNotFoundError(f"{folder}: expected exported points; make them with\n  {points.command(runs)}")
    return np.load(folder / "train.npy"), np.load(folder / "validation.npy")


def as_rows(x: Tensor) -> tuple[Tensor, Tensor]:
    """[N, D] -> what the flow takes, [N, D, 1, 1], and a log-determinant.

    The flow's trainer logs bits per byte, log_2 256 above the density; D ln 256 cancels it, so that "bpd" reads as
    -log_2 p(x) / D.
    """
    return x[:, :, None, None], torch.full((len(x),), x.shape[1] * math.log(LEVELS))


class NoisyRows(StepBatches):
    """Rows with fresh Gaussian noise, `batch` (the run's when absent) at a time."""

    def __init__(
        self, points: np.ndarray, config: TrainConfig, noise: float, start: int = 0, batch: int | None = None
    ) -> None:
        super().__init__(len(points), batch or config.batch, config.seed, start)
        self.points, self.noise = torch.from_numpy(np.ascontiguousarray(points)), noise

    def at(self, step: int) -> tuple[Tensor, Tensor]:
        x = self.points[self.rows(step)]
        return as_rows(x + self.noise * torch.randn(x.shape, generator=self.generator(step)))


class FlowRows(L.LightningDataModule):
    """The data module of a tabular flow, on one device."""

    def __init__(self, config: TrainConfig, rows: tuple[np.ndarray, np.ndarray], noise: float) -> None:
        super().__init__()
        self.config, self.noise = config, noise
        self.train, self.check = rows

    def train_dataloader(self) -> DataLoader:
        return DataLoader(NoisyRows(self.train, self.config, self.noise, self.trainer.global_step), batch_size=None)

    def val_dataloader(self) -> DataLoader:
        x = torch.from_numpy(np.ascontiguousarray(self.check))
        x = x + self.noise * torch.randn(x.shape, generator=torch.Generator().manual_seed(12345))
        return DataLoader(TensorDataset(*as_rows(x)), batch_size=500)

    def initial_images(self, count: int) -> Tensor:
        return NoisyRows(self.train, self.config, self.noise, batch=min(count, len(self.train))).at(0)[0]
