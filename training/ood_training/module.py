"""The Lightning module: maximum likelihood with AdamW, an EMA of the weights and a budget-aware learning rate."""

from __future__ import annotations

import copy
import math
import time

import lightning as L
import torch
from torch import Tensor

from .config import TrainConfig
from .data.transforms import bits_per_dim
from .flows import Flow


class FlowModule(L.LightningModule):
    """`flow` is trained, `ema` is what is evaluated and exported."""

    def __init__(self, config: TrainConfig, max_minutes: float | None = None, compile: bool = False) -> None:
        super().__init__()
        self.config, self.max_minutes = config, max_minutes
        torch.manual_seed(config.seed)
        self.flow = Flow(config.flow).to(memory_format=torch.channels_last)
        self.ema = copy.deepcopy(self.flow).requires_grad_(False)
        self._log_prob = torch.compile(self.flow.log_prob) if compile else self.flow.log_prob
        #: seconds trained before this process, restored from the checkpoint.
        self.elapsed_before = 0.0
        self._started: float | None = None
        self.last_validation: float | None = None

    metric = "bpd"

    def monitored(self) -> Tensor:
        """What a progress line shows of the last training batch."""
        return self.last_bits

    # -- budget -----------------------------------------------------------------------------------------------
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

    # -- training ---------------------------------------------------------------------------------------------
    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(
            self.flow.parameters(), lr=self.config.lr, betas=self.config.betas, weight_decay=self.config.weight_decay
        )

    def on_train_start(self) -> None:
        self._started = time.monotonic()
        if self.global_step == 0:
            # Every rank initialises from the same images, so all start equal.
            x = self.trainer.datamodule.initial_images(self.config.init_images).to(self.device)
            self.flow.initialize(x)
            self.ema.load_state_dict(self.flow.state_dict())

    def on_train_batch_start(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        progress = self.progress()
        if progress >= 1.0:
            self.trainer.should_stop = True
        # Dropout masks, too, are a function of (seed, step): a resumed run repeats them.
        torch.manual_seed(self.config.seed * 1_000_003 + self.global_step * 64 + self.global_rank)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self.learning_rate(progress)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        x, logdet = batch
        log_prob = self._log_prob(x)
        self.last_bits = bits_per_dim(log_prob.detach(), logdet, self.flow.dim).mean()
        # In nats per image, so that clipping at 1 normalises nearly every gradient and outliers cannot dominate.
        return -log_prob.mean()

    @torch.no_grad()
    def on_train_batch_end(self, outputs: object, batch: object, batch_idx: int) -> None:
        step = self.global_step
        decay = min(self.config.ema, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.ema.parameters()), list(self.flow.parameters()), 1 - decay)

    # -- validation -------------------------------------------------------------------------------------------
    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        x, logdet = batch
        bits = bits_per_dim(self.ema.log_prob(x), logdet, self.flow.dim).mean()
        self.log("val_bpd", bits, batch_size=len(x), sync_dist=True)

    def on_validation_epoch_end(self) -> None:
        if "val_bpd" in self.trainer.callback_metrics:
            self.last_validation = float(self.trainer.callback_metrics["val_bpd"])

    # -- checkpoints ------------------------------------------------------------------------------------------
    def on_save_checkpoint(self, checkpoint: dict) -> None:
        checkpoint["ood"] = {
            "config": self.config.to_dict(),
            "elapsed": self.elapsed(),
            "max_minutes": self.max_minutes,
            "val_bpd": self.last_validation,
        }

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        self.elapsed_before = checkpoint["ood"]["elapsed"]
        self.last_validation = checkpoint["ood"]["val_bpd"]
