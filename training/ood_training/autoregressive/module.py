"""The Lightning module of PixelCNN++: maximum likelihood within a budget."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..budget import BudgetedModule
from .config import PixelCnnRun
from .pixelcnn import PixelCnn


class PixelCnnModule(BudgetedModule):
    """`net` is trained, `ema` is what is evaluated and exported."""

    metric = "bpd"

    def __init__(self, config: PixelCnnRun, max_minutes: float | None = None) -> None:
        super().__init__(config, max_minutes)
        torch.manual_seed(config.seed)
        self.net = PixelCnn(config.net).to(memory_format=torch.channels_last)
        self.per_bit = math.log(2) * math.prod(config.net.shape)
        self.start_ema()

    @property
    def trained(self) -> nn.Module:
        return self.net

    def on_train_start(self) -> None:
        super().on_train_start()
        if self.global_step == 0:
            # Every rank initialises from the same images, so all start equal.
            self.net.initialize(self.trainer.datamodule.initial_images().to(self.device))
            self.ema.load_state_dict(self.net.state_dict())

    def training_step(self, pixels: Tensor, batch_idx: int) -> Tensor:
        nats = -self.net.log_prob(pixels).mean()
        self.monitored = nats.detach() / self.per_bit
        return nats + self.config.l2 * self.net.kernel_penalty() if self.config.l2 else nats

    def validation_step(self, pixels: Tensor, batch_idx: int) -> None:
        bits = -self.ema.eval().log_prob(pixels).mean() / self.per_bit
        self.log("val_bpd", bits, batch_size=len(pixels), sync_dist=True)
