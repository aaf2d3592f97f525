"""Genomes as batches: read from files in the layout of the public data, mutated for background models."""

from __future__ import annotations

from pathlib import Path

import lightning as L
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ..autoregressive.data import PixelBatches
from .config import SequenceRun

#: the files of the public data: in-distribution for training, and both kinds for validation and test.
SPLITS = ("train_in", "val_in", "val_ood", "test_in", "test_ood")


def read_genomes(folder: Path, split: str, limit: int | None = None) -> np.ndarray:
    """Tokens uint8 [N, T] of `split`.npz, the first `limit` of them."""
    if split not in SPLITS:
        raise ValueError(f"split: expected one of {', '.join(SPLITS)}, got {split}")
    path = folder / f"{split}.npz"
    if not path.exists():
        raise FileNotFoundError(f"{path}: expected a file of the genomics data, got nothing")
    x = np.load(path)["x"]
    if x.ndim != 2 or x.dtype.kind not in "iu" or len(x) == 0:
        raise ValueError(f"{path}: expected x with whole numbers [N, T], got {x.dtype} {list(x.shape)}")
    x = x[:limit]
    if x.min() < 0 or x.max() > 255:
        raise ValueError(f"{path}: expected tokens 0..255, got {x.min()}..{x.max()}")
    return x.astype(np.uint8)


def folder_of(run: SequenceRun, runs: Path, data_dir: Path | None) -> Path:
    """Where the run's files are: the public data, or synthetic ones beside the runs."""
    folder = data_dir or run.genomes.folder(runs)
    if not (folder / "train_in.npz").exists():
        how = "" if data_dir else f"; make them, from the repository root, with\n  {run.genomes.command(runs)}"
        raise FileNotFoundError(f"{folder}: expected train_in.npz and its companions{how}")
    return folder


class SequenceData(L.LightningDataModule):
    """Batches of floats, as `PixelBatches` makes them; the order and the mutations are a function of (seed, step)."""

    def __init__(self, run: SequenceRun, train: np.ndarray, check: np.ndarray) -> None:
        super().__init__()
        self.run = run
        for what, x in (("training", train), ("validation", check)):
            if x.max() >= run.net.vocabulary:
                raise ValueError(f"{what} tokens: expected 0..{run.net.vocabulary - 1}, got {x.max()}")
        self.train = torch.from_numpy(np.ascontiguousarray(train))
        self.check = torch.from_numpy(np.ascontiguousarray(check[: run.validation]))

    def train_dataloader(self) -> DataLoader:
        t = self.trainer
        return DataLoader(
            PixelBatches(self.train, self.run, t.global_step, t.global_rank, t.world_size), batch_size=None
        )

    def val_dataloader(self) -> DataLoader:
        return DataLoader(self.checked(), batch_size=250)

    def checked(self) -> Tensor:
        """The validation sequences, mutated alike in every validation."""
        tokens = self.check.float()
        return tokens if self.run.mutation is None else self.run.mutation(tokens, torch.Generator().manual_seed(12345))
