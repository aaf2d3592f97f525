"""Feeds the trainer: the step-indexed stream for training, a fixed noisy copy of the validation images."""

from __future__ import annotations

import lightning as L
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from .config import TrainConfig
from .data.splits import train_validation
from .data.stream import BatchStream, noisy
from .data.transforms import preprocess


class ImageData(L.LightningDataModule):
    """`images` (train, validation) replaces the files, for tests."""

    def __init__(self, config: TrainConfig, images: tuple[np.ndarray, np.ndarray] | None = None) -> None:
        super().__init__()
        self.config = config
        self.train, self.check = images or train_validation(config.dataset, config.validation, config.exclude)

    def train_dataloader(self) -> DataLoader:
        # Called after a checkpoint is restored, so global_step is where the stream has to go on.
        trainer = self.trainer
        stream = BatchStream(
            self.train, self.config.batch, self.config.seed, trainer.global_step, trainer.global_rank, trainer.world_size,
            self.config.mutation,
        )
        return DataLoader(stream, batch_size=None)

    def val_dataloader(self) -> DataLoader:
        # The same noise and mutations in every validation, so numbers of one run can be compared.
        pixels = torch.from_numpy(np.ascontiguousarray(self.check))
        generator = torch.Generator().manual_seed(12345)
        return DataLoader(TensorDataset(*preprocess(*noisy(pixels, generator, self.config.mutation))), batch_size=250)

    def initial_images(self, count: int) -> Tensor:
        count = min(count, len(self.train))
        return BatchStream(self.train, count, self.config.seed, mutation=self.config.mutation).at(0)[0]
