"""An endless stream of training batches that is a pure function of (seed, step, rank).

Order, dequantisation noise and mutations depend on nothing but these numbers, so a run that was killed and resumed at step k
sees exactly the batches the undisturbed run would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from .mutation import Mutation
from .transforms import preprocess


def step_generator(seed: int, step: int, rank: int) -> torch.Generator:
    return torch.Generator().manual_seed((seed * 1_000_003 + step) * 4_099 + rank)


def noisy(pixels: Tensor, generator: torch.Generator, mutation: Mutation | None) -> tuple[Tensor, Tensor]:
    """Integer pixels, mutated if asked, and their dequantisation noise, which is drawn first and so does not depend on it."""
    noise = torch.rand(pixels.shape, generator=generator)
    return (pixels if mutation is None else mutation(pixels, generator)), noise


class BatchStream(IterableDataset):
    """Yields model-space batches [B, 1, 28, 28] with their preprocessing log-determinants [B]; mutated anew every step."""

    def __init__(self, images: np.ndarray, batch: int, seed: int, start: int = 0, rank: int = 0, world: int = 1,
                 mutation: Mutation | None = None) -> None:
        self.images = torch.from_numpy(np.ascontiguousarray(images))
        self.batch, self.seed, self.start, self.rank, self.world = batch, seed, start, rank, world
        self.mutation = mutation
        self._epoch = -1
        self._order = torch.arange(0)

    @property
    def steps_per_epoch(self) -> int:
        """The last incomplete batch of an epoch is dropped."""
        return max(1, len(self.images) // (self.batch * self.world))

    def at(self, step: int) -> tuple[Tensor, Tensor]:
        epoch, within = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(self.seed * 7_919 + epoch)
            self._epoch, self._order = epoch, torch.randperm(len(self.images), generator=generator)
        first = (within * self.world + self.rank) * self.batch
        pixels = self.images[self._order[first : first + self.batch]]
        return preprocess(*noisy(pixels, step_generator(self.seed, step, self.rank), self.mutation))

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        step = self.start
        while True:
            yield self.at(step)
            step += 1
