"""Image batches for PixelCNN++: integer pixels as floats, mutated for background models; order a function of (seed, step)."""

from __future__ import annotations

import lightning as L
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ..data.splits import train_validation
from ..data.stream import StepBatches
from .config import PixelCnnRun

#: the manifest's `preprocessing`: pixels to [-1, 1].
PREPROCESSING = [{"name": "unit", "levels": 256}, {"name": "zero-center"}]


class PixelBatches(StepBatches):
    """Pixels [B, C, H, W], each batch determined by (seed, step, rank) alone; mutations are drawn anew every epoch."""

    def __init__(self, images: Tensor, run: PixelCnnRun, start: int = 0, rank: int = 0, world: int = 1) -> None:
        super().__init__(len(images), run.batch, run.seed, start, rank, world)
        self.images, self.run = images, run

    def at(self, step: int) -> Tensor:
        pixels = self.images[self.rows(step)].float()
        return pixels if self.run.mutation is None else self.run.mutation(pixels, self.generator(step))


class PixelData(L.LightningDataModule):
    """`images` (train, validation) replaces the files, for tests."""

    def __init__(self, run: PixelCnnRun, images: tuple[np.ndarray, np.ndarray] | None = None) -> None:
        super().__init__()
        self.run = run
        train, check = images or train_validation(run.dataset, run.validation, run.exclude)
        self.train = torch.from_numpy(np.ascontiguousarray(train))
        self.check = torch.from_numpy(np.ascontiguousarray(check))

    def train_dataloader(self) -> DataLoader:
        t = self.trainer
        return DataLoader(
            PixelBatches(self.train, self.run, t.global_step, t.global_rank, t.world_size), batch_size=None
        )

    def val_dataloader(self) -> DataLoader:
        # Mutated alike in every validation, so numbers of one run can be compared.
        pixels = self.check[:500].float()
        if self.run.mutation is not None:
            pixels = self.run.mutation(pixels, torch.Generator().manual_seed(12345))
        return DataLoader(pixels, batch_size=100)

    def initial_images(self) -> Tensor:
        generator = torch.Generator().manual_seed(self.run.seed)
        rows = torch.randperm(len(self.train), generator=generator)[: self.run.init_images]
        pixels = self.train[rows].float()
        return pixels if self.run.mutation is None else self.run.mutation(pixels, generator)
