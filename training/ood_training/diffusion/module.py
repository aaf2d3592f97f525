"""The Lightning module of score matching, within a budget."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..budget import BudgetedModule
from .config import DiffusionConfig
from .objective import loss_per_image


class DiffusionModule(BudgetedModule):
    """`net` is trained, `ema` is what is evaluated and exported."""

    def __init__(self, config: DiffusionConfig, max_minutes: float | None = None) -> None:
        super().__init__(config, max_minutes)
        torch.manual_seed(config.seed)
        self.net = config.network()
        if len(config.net.shape) == 3:
            self.net = self.net.to(memory_format=torch.channels_last)
        self.start_ema()

    @property
    def trained(self) -> nn.Module:
        return self.net

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], batch_idx: int) -> Tensor:
        loss = loss_per_image(self.net, *batch, self.config.weighting)[0].mean()
        self.monitored = loss.detach()
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor], batch_idx: int) -> None:
        loss, error = loss_per_image(self.ema, *batch, self.config.weighting)
        self.log("val_loss", loss.mean(), batch_size=len(loss), sync_dist=True)
        self.log("val_epsilon", error.mean(), batch_size=len(loss), sync_dist=True)
