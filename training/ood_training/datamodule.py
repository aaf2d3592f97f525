"""Feeds the trainer: the step-indexed stream for training, a fixed noisy copy of the validation images."""

from __future__ import annotations

import lightning as L
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from .config import TrainConfig
from .data.splits import train_validation
from .data.stream import BatchStream
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
            self.train, self.config.batch, self.config.seed, trainer.global_step, trainer.global_rank, trainer.world_size
        )
        return DataLoader(stream, batch_size=None)

    def val_dataloader(self) -> DataLoader:
        # The same noise in every validation, so numbers of one run can be compared.
        pixels = torch.from_numpy(np.ascontiguousarray(self.check))
        noise = torch.rand(pixels.shape, generator=torch.Generator().manual_seed(12345))
        return DataLoader(TensorDataset(*preprocess(pixels, noise)), batch_size=250)

    def initial_images(self, count: int) -> Tensor:
        return BatchStream(self.train, min(count, len(self.train)), self.config.seed).at(0)[0]
