"""The Lightning module of a sequence model: maximum likelihood within a budget."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..budget import BudgetedModule
from .config import SequenceRun
from .lstm import SequenceLstm


class SequenceModule(BudgetedModule):
    """`net` is trained, `ema` is what is evaluated and exported."""

    #: nats per predicted token.
    metric = "nats"

    def __init__(self, config: SequenceRun, max_minutes: float | None = None) -> None:
        super().__init__(config, max_minutes)
        torch.manual_seed(config.seed)
        self.net = SequenceLstm(config.net)
        self.start_ema()

    @property
    def trained(self) -> nn.Module:
        return self.net

    def training_step(self, tokens: Tensor, batch_idx: int) -> Tensor:
        nats = -self.net.log_prob(tokens.long()).mean()
        self.monitored = nats.detach()
        return nats

    def validation_step(self, tokens: Tensor, batch_idx: int) -> None:
        nats = -self.ema.eval().log_prob(tokens.long()).mean()
        self.log("val_nats", nats, batch_size=len(tokens), sync_dist=True)
