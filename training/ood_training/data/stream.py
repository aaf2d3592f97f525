"""Endless streams of training batches that are a pure function of (seed, step, rank).

Order, dequantisation noise and mutations depend on nothing but these numbers, so a run that was killed and resumed at
step k sees exactly the batches the undisturbed run would have seen.
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


class StepBatches(IterableDataset):
    """Yields `at(start)`, `at(start + 1)`, ... without end; a subclass says what a step's batch is."""

    def __init__(self, count: int, batch: int, seed: int, start: int = 0, rank: int = 0, world: int = 1) -> None:
        self.count, self.batch, self.seed, self.start, self.rank, self.world = count, batch, seed, start, rank, world
        self._epoch = -1
        self._order = torch.arange(0)

    @property
    def steps_per_epoch(self) -> int:
        """The last incomplete batch of an epoch is dropped."""
        return max(1, self.count // (self.batch * self.world))

    def rows(self, step: int) -> Tensor:
        """Which of the `count` rows this rank takes: each epoch is a new permutation, dealt out to the ranks."""
        epoch, within = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(self.seed * 7_919 + epoch)
            self._epoch, self._order = epoch, torch.randperm(self.count, generator=generator)
        first = (within * self.world + self.rank) * self.batch
        return self._order[first : first + self.batch]

    def generator(self, step: int) -> torch.Generator:
        """What a step's noise is drawn from."""
        return step_generator(self.seed, step, self.rank)

    def at(self, step: int) -> Tensor | tuple[Tensor, ...]:
        raise NotImplementedError

    def __iter__(self) -> Iterator[Tensor | tuple[Tensor, ...]]:
        step = self.start
        while True:
            yield self.at(step)
            step += 1


def noisy(pixels: Tensor, generator: torch.Generator, mutation: Mutation | None) -> tuple[Tensor, Tensor]:
    """Integer pixels, mutated if asked, and their dequantisation noise, which is drawn first and so does not depend on it."""
    noise = torch.rand(pixels.shape, generator=generator)
    return (pixels if mutation is None else mutation(pixels, generator)), noise


class BatchStream(StepBatches):
    """Model-space batches [B, 1, 28, 28] with their preprocessing log-determinants [B]; mutated anew every step."""

    def __init__(self, images: np.ndarray, batch: int, seed: int, start: int = 0, rank: int = 0, world: int = 1,
                 mutation: Mutation | None = None) -> None:
        super().__init__(len(images), batch, seed, start, rank, world)
        self.images, self.mutation = torch.from_numpy(np.ascontiguousarray(images)), mutation

    def at(self, step: int) -> tuple[Tensor, Tensor]:
        return preprocess(*noisy(self.images[self.rows(step)], self.generator(step), self.mutation))
