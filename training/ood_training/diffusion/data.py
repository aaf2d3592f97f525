"""Image batches for score matching: pixels in [-1, 1], no dequantisation; order a pure function of (seed, step)."""

from __future__ import annotations

import lightning as L
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ..data.splits import train_validation
from ..data.stream import StepBatches
from .config import DiffusionConfig
from .objective import draw_times

#: the manifest's `preprocessing`.
PREPROCESSING = [{"name": "unit", "levels": 256}, {"name": "zero-center"}]


def to_model_space(pixels: Tensor) -> Tensor:
    """uint8 -> float32 in [-1, 1] (dgm spec 3.2)."""
    return pixels.float() / 127.5 - 1


class NoisyBatches(StepBatches):
    """(x, t, noise), each determined by (seed, step, rank) alone, so a resumed run repeats itself exactly."""

    def __init__(self, data: Tensor, config: DiffusionConfig, start: int = 0, rank: int = 0, world: int = 1) -> None:
        super().__init__(len(data), config.batch, config.seed, start, rank, world)
        self.data, self.config = data, config

    def at(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        x = self.data[self.rows(step)]
        x = to_model_space(x) if x.dtype == torch.uint8 else x
        generator = self.generator(step)
        t = draw_times(self.config.sde, self.config.times, len(x), generator)
        return x, t, torch.randn(x.shape, generator=generator)


class ScoreData(L.LightningDataModule):
    """`rows` (train, validation) replaces the image files: for tests and tabular data."""

    def __init__(self, config: DiffusionConfig, rows: tuple[np.ndarray, np.ndarray] | None = None) -> None:
        super().__init__()
        self.config = config
        train, check = rows or train_validation(config.dataset, config.validation, config.exclude)
        self.train = torch.from_numpy(np.ascontiguousarray(train))
        self.check = torch.from_numpy(np.ascontiguousarray(check))

    def train_dataloader(self) -> DataLoader:
        t = self.trainer
        return DataLoader(
            NoisyBatches(self.train, self.config, t.global_step, t.global_rank, t.world_size), batch_size=None
        )

    def val_dataloader(self) -> DataLoader:
        # The same times and noise in every validation, so numbers of one run can be compared.
        x = to_model_space(self.check) if self.check.dtype == torch.uint8 else self.check
        generator = torch.Generator().manual_seed(12345)
        t = draw_times(self.config.sde, self.config.times, len(x), generator)
        noise = torch.randn(x.shape, generator=generator)
        return DataLoader(list(zip(x, t, noise)), batch_size=250)
