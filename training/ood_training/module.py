"""The Lightning module of flows: maximum likelihood within a budget."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .budget import BudgetedModule
from .config import TrainConfig
from .data.transforms import bits_per_dim
from .flows import Flow


class FlowModule(BudgetedModule):
    """`flow` is trained, `ema` is what is evaluated and exported."""

    metric = "bpd"

    def __init__(self, config: TrainConfig, max_minutes: float | None = None, compile: bool = False,
                 weights: dict[str, Tensor] | None = None) -> None:
        """`weights`: those of a trained flow of the same architecture, to go on from."""
        super().__init__(config, max_minutes)
        torch.manual_seed(config.seed)
        self.flow = Flow(config.flow).to(memory_format=torch.channels_last)
        self.fresh_norms = weights is None or config.init_norms
        if weights is not None:
            self.flow.load_state_dict(weights)
        self.start_ema()
        self._log_prob = torch.compile(self.flow.log_prob) if compile else self.flow.log_prob

    @property
    def trained(self) -> nn.Module:
        return self.flow

    def on_train_start(self) -> None:
        super().on_train_start()
        if self.global_step == 0 and self.fresh_norms:
            # Every rank initialises from the same images, so all start equal.
            x = self.trainer.datamodule.initial_images(self.config.init_images).to(self.device)
            self.flow.initialize(x)
            self.ema.load_state_dict(self.flow.state_dict())

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        x, logdet = batch
        log_prob = self._log_prob(x)
        self.monitored = bits_per_dim(log_prob.detach(), logdet, self.flow.dim).mean()
        # In nats per image, so that clipping at 1 normalises nearly every gradient and outliers cannot dominate.
        return -log_prob.mean()

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        x, logdet = batch
        bits = bits_per_dim(self.ema.log_prob(x), logdet, self.flow.dim).mean()
        self.log("val_bpd", bits, batch_size=len(x), sync_dist=True)
