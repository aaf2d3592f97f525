"""Batches for flows: raw rows, dequantised and taken through the logit, as a function of (seed, step)."""

from __future__ import annotations

import lightning as L
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from ..data.stream import StepBatches
from .likelihood import preprocess
from .run_config import RunConfig
from .sources import Rows, read_rows

#: rows of a validation batch.
CHECKED = 250


def augmented(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """A random crop of each image padded by 4 with zeros, and, for colour, its mirror image half of the time."""
    n, c, h, w = pixels.shape
    padded = F.pad(pixels, (4, 4, 4, 4))
    top, left = (torch.randint(0, 9, (n,), generator=generator) for _ in range(2))
    rows = top[:, None] + torch.arange(h)
    cols = left[:, None] + torch.arange(w)
    if c > 1:
        mirrored = torch.rand(n, generator=generator) < 0.5
        cols = torch.where(mirrored[:, None], cols.flip(1), cols)
    return padded[torch.arange(n)[:, None, None], :, rows[:, :, None], cols[:, None, :]].permute(0, 3, 1, 2)


def model_space(rows: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """v and its log-determinant [N]: bytes are dequantised, tables are taken as they are."""
    if rows.dtype != torch.uint8:
        return rows, torch.zeros(len(rows))
    return preprocess(rows, torch.rand(rows.shape, generator=generator))


class FlowStream(StepBatches):
    """(v, logdet) of a step; in negative training also (v, logdet) of as many rows of the other set."""

    def __init__(self, rows: np.ndarray, config: RunConfig, start: int = 0, other: np.ndarray | None = None) -> None:
        super().__init__(len(rows), config.batch, config.seed, start)
        self.config, self.pixels = config, torch.from_numpy(np.ascontiguousarray(rows))
        self.other = None
        if other is not None:
            self.other = torch.from_numpy(np.ascontiguousarray(other))
            self.others = StepBatches(len(other), config.batch, config.seed + 1)

    def at(self, step: int) -> tuple[Tensor, ...]:
        generator = self.generator(step)
        batch = self.pixels[self.rows(step)]
        if self.config.augment:
            batch = augmented(batch, generator)
        if self.config.mutation is not None:
            batch = self.config.mutation(batch, generator)
        inside = model_space(batch, generator)
        if self.other is None:
            return inside
        return *inside, *model_space(self.other[self.others.rows(step)], generator)


class FlowData(L.LightningDataModule):
    """Training, validation and monitored rows of a run, on one device; `rows` replaces the files, for tests."""

    def __init__(self, config: RunConfig, rows: Rows | None = None, other: np.ndarray | None = None,
                 ood: dict[str, np.ndarray] | None = None) -> None:
        super().__init__()
        self.config = config
        self.rows = rows or read_rows(config.dataset, config.validation, config.exclude)
        self.other = other
        if other is None and config.negative is not None:
            self.other = read_rows(config.negative.dataset, 1).train
        self.ood = ood if ood is not None else {name: read_rows(name, 1).test for name in config.ood}
        #: (mean, deviation) of the features of a table, of the training rows; images have none.
        self.moments: tuple[np.ndarray, np.ndarray] | None = None
        if self.rows.train.dtype != np.uint8:
            self._standardize()

    def _standardize(self) -> None:
        train = self.rows.train
        mean, std = train.mean(axis=0, dtype=np.float64), train.std(axis=0, dtype=np.float64)
        if not np.all(std > 0):
            raise ValueError(f"{self.config.dataset}: expected features that vary, got {int((std <= 0).sum())} constant ones")
        self.moments = mean, std

        def standard(rows: np.ndarray) -> np.ndarray:
            return ((rows - mean) / std).astype(np.float32)

        self.rows = Rows(standard(train), standard(self.rows.validation), standard(self.rows.test))
        self.ood = {name: standard(rows) for name, rows in self.ood.items()}
        self.other = None if self.other is None else standard(self.other)

    @property
    def steps_per_epoch(self) -> int:
        count = len(self.rows.train)
        if self.other is not None:
            count = min(count, len(self.other))
        return max(1, count // self.config.batch)

    def train_dataloader(self) -> DataLoader:
        # Called after a checkpoint is restored, so global_step is where the stream has to go on.
        stream = FlowStream(self.rows.train, self.config, self.trainer.global_step, self.other)
        return DataLoader(stream, batch_size=None)

    def val_dataloader(self) -> DataLoader:
        # The same noise and mutations in every validation, so numbers of one run can be compared.
        rows = torch.from_numpy(np.ascontiguousarray(self.rows.validation))
        generator = torch.Generator().manual_seed(12345)
        if self.config.mutation is not None:
            rows = self.config.mutation(rows, generator)
        v = model_space(rows, generator)
        return DataLoader(TensorDataset(*v), batch_size=CHECKED)

    def initial_rows(self, count: int) -> Tensor:
        rows = torch.from_numpy(np.ascontiguousarray(self.rows.train[: min(count, len(self.rows.train))]))
        generator = torch.Generator().manual_seed(self.config.seed)
        if self.config.mutation is not None:
            rows = self.config.mutation(rows, generator)
        return model_space(rows, generator)[0]
