"""What every trained module shares: AdamW, a budget in steps or minutes, an EMA of the weights, and its record."""

from __future__ import annotations

import copy
import math
import time

import lightning as L
import torch
from torch import Tensor, nn


class BudgetedModule(L.LightningModule):
    """Trains `trained` and keeps `ema`, the average that is evaluated and exported.

    A subclass gives `trained`, sets `monitored` in `training_step`, and logs `val_<metric>` in `validation_step`.
    """

    #: name of the validation figure, in progress lines and checkpoints.
    metric = "loss"

    def __init__(self, config: object, max_minutes: float | None) -> None:
        super().__init__()
        self.config, self.max_minutes = config, max_minutes
        #: what a progress line shows of the last training batch.
        self.monitored: Tensor | float = math.nan
        #: seconds trained before this process, restored from the checkpoint.
        self.elapsed_before = 0.0
        self._started: float | None = None
        self.last_validation: float | None = None

    @property
    def trained(self) -> nn.Module:
        raise NotImplementedError

    def start_ema(self) -> None:
        self.ema = copy.deepcopy(self.trained).requires_grad_(False)

    def elapsed(self) -> float:
        """Wall-clock seconds spent training, over all resumes."""
        return self.elapsed_before + (time.monotonic() - self._started if self._started is not None else 0.0)

    def progress(self) -> float:
        """0 at the start, 1 at the end of the budget: steps or minutes, whichever is nearer to its end."""
        done = self.global_step / self.config.steps
        if self.max_minutes is not None:
            done = max(done, self.elapsed() / (60 * self.max_minutes))
        if self.trainer.world_size > 1:
            done = self.trainer.strategy.broadcast(done)
        return min(1.0, done)

    def learning_rate(self, progress: float) -> float:
        """Linear warm-up by step, then a half cosine to 1 % of the peak."""
        warm = min(1.0, (self.global_step + 1) / max(1, self.config.warmup))
        return self.config.lr * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        c = self.config
        return torch.optim.AdamW(self.trained.parameters(), lr=c.lr, betas=c.betas, weight_decay=c.weight_decay)

    def on_train_start(self) -> None:
        self._started = time.monotonic()

    def on_train_batch_start(self, batch: object, batch_idx: int) -> None:
        progress = self.progress()
        if progress >= 1.0:
            self.trainer.should_stop = True
        # Dropout masks, too, are a function of (seed, step): a resumed run repeats them.
        torch.manual_seed(self.config.seed * 1_000_003 + self.global_step * 64 + self.global_rank)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self.learning_rate(progress)

    @torch.no_grad()
    def on_train_batch_end(self, outputs: object, batch: object, batch_idx: int) -> None:
        decay = min(self.config.ema, (1 + self.global_step) / (10 + self.global_step))
        torch._foreach_lerp_(list(self.ema.parameters()), list(self.trained.parameters()), 1 - decay)

    def on_validation_epoch_end(self) -> None:
        value = self.trainer.callback_metrics.get(f"val_{self.metric}")
        if value is not None:
            self.last_validation = float(value)

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        checkpoint["ood"] = {
            "config": self.config.to_dict(),
            "elapsed": self.elapsed(),
            "max_minutes": self.max_minutes,
            f"val_{self.metric}": self.last_validation,
        }

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        self.elapsed_before = checkpoint["ood"]["elapsed"]
        self.last_validation = checkpoint["ood"][f"val_{self.metric}"]
