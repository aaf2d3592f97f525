"""Train a classifier: `python -m ood_training.classifier.train --config configs/classifier-fmnist.toml`.

The run lives in runs/<name>; the same command resumes it from its last checkpoint, whatever ended it.
"""

from __future__ import annotations

from pathlib import Path

import lightning as L
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from ..budget import BudgetedModule
from ..data.idx import read_images, read_labels
from ..data.splits import excluded_indices
from ..data.stream import StepBatches
from ..trainer import fit_module, run_from_command_line
from .config import ClassifierConfig
from .network import Classifier

Labelled = tuple[np.ndarray, np.ndarray]


def read(config: ClassifierConfig) -> tuple[Labelled, Labelled]:
    """(images, labels) to train on and to validate on."""
    images, labels = read_images(config.dataset, "train"), read_labels(config.dataset, "train")
    keep = np.setdiff1d(np.arange(len(images)), excluded_indices(config.exclude))
    cut = keep[: -config.validation], keep[-config.validation :]
    return tuple((images[rows], labels[rows]) for rows in cut)


class LabelledStream(StepBatches):
    """Images, each shifted by up to `shift` pixels, and labels."""

    def __init__(self, data: Labelled, config: ClassifierConfig, start: int) -> None:
        super().__init__(len(data[0]), config.batch, config.seed, start)
        self.shift = config.shift
        self.images = torch.from_numpy(np.ascontiguousarray(data[0]))
        self.labels = torch.from_numpy(data[1].astype(np.int64))

    def at(self, step: int) -> tuple[Tensor, Tensor]:
        rows, generator = self.rows(step), self.generator(step)
        images = self.images[rows]
        n, _, h, w = images.shape
        padded = F.pad(images, (self.shift,) * 4)
        top, left = (torch.randint(0, 2 * self.shift + 1, (n,), generator=generator) for _ in range(2))
        y, x = top[:, None] + torch.arange(h), left[:, None] + torch.arange(w)
        cut = padded[torch.arange(n)[:, None, None], :, y[:, :, None], x[:, None, :]].permute(0, 3, 1, 2)
        return cut.float() / 255, self.labels[rows]


class LabelledData(L.LightningDataModule):
    def __init__(self, config: ClassifierConfig, data: tuple[Labelled, Labelled] | None = None) -> None:
        super().__init__()
        self.config = config
        self.train, self.check = data or read(config)

    def train_dataloader(self) -> DataLoader:
        return DataLoader(LabelledStream(self.train, self.config, self.trainer.global_step), batch_size=None)

    def val_dataloader(self) -> DataLoader:
        images, labels = (torch.from_numpy(np.ascontiguousarray(part)) for part in self.check)
        return DataLoader(TensorDataset(images.float() / 255, labels.long()), batch_size=500)


class ClassifierModule(BudgetedModule):
    """`net` is trained, `ema` is what is evaluated and exported."""

    def __init__(self, config: ClassifierConfig, max_minutes: float | None = None) -> None:
        super().__init__(config, max_minutes)
        torch.manual_seed(config.seed)
        self.net = Classifier(config.shape, config.widths, config.features, config.classes).to(memory_format=torch.channels_last)
        self.start_ema()
        self.ema.eval()

    @property
    def trained(self) -> nn.Module:
        return self.net

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        images, labels = batch
        loss = F.cross_entropy(self.net(images)[0], labels)
        self.monitored = loss.detach()
        return loss

    @torch.no_grad()
    def on_train_batch_end(self, outputs: object, batch: object, batch_idx: int) -> None:
        super().on_train_batch_end(outputs, batch, batch_idx)
        for mine, theirs in zip(self.ema.buffers(), self.net.buffers(), strict=True):
            mine.copy_(theirs)

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        images, labels = batch
        logits = self.ema.eval()(images)[0]
        self.log("val_loss", F.cross_entropy(logits, labels), batch_size=len(images))
        self.log("val_accuracy", (logits.argmax(1) == labels).float().mean(), batch_size=len(images))


def fit(config: ClassifierConfig, data: LabelledData, folder: Path, *, max_minutes: float | None = None,
        **trainer_options: object) -> ClassifierModule:
    """Train in `folder`, resuming from `last.ckpt` when it is there."""
    return fit_module(ClassifierModule(config, max_minutes), data, folder, **{"devices": 1, **trainer_options})


def main() -> None:
    run_from_command_line(
        __doc__, ClassifierConfig.read,
        lambda config, folder, args, options: fit(config, LabelledData(config), folder, **options), devices=1,
    )


if __name__ == "__main__":
    main()
