"""The Lightning module of these flows: maximum likelihood, or negative training, with the reference's optimisers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..budget import BudgetedModule
from .flow import ReferenceFlow
from .likelihood import bits_per_dim, log_likelihood
from .objective import finite, negative_loss
from .run_config import RunConfig, anneal


class ReferenceModule(BudgetedModule):
    """`flow` is trained; `ema`, its average (or, with `ema = 0`, its copy), is what is evaluated and exported."""

    metric = "bpd"

    def __init__(self, config: RunConfig, steps_per_epoch: int, max_minutes: float | None = None,
                 weights: dict[str, Tensor] | None = None) -> None:
        """`weights`: those of a trained flow of the same architecture, to go on from."""
        super().__init__(config, max_minutes)
        self.steps_per_epoch = steps_per_epoch
        torch.manual_seed(config.seed)
        self.flow = ReferenceFlow(config.model)
        if len(config.model.shape) == 3:
            self.flow = self.flow.to(memory_format=torch.channels_last)
        self.fresh = weights is None
        if weights is not None:
            self.flow.load_state_dict(weights)
        self.start_ema()
        self.ema.eval()
        self.kept_outside = 0

    @property
    def trained(self) -> nn.Module:
        return self.flow

    def configure_optimizers(self) -> torch.optim.Optimizer:
        c = self.config
        groups = decay_groups(self.flow, c.model.family, c.weight_decay)
        if c.optimizer == "rmsprop":
            return torch.optim.RMSprop(groups, lr=c.lr)
        kind = torch.optim.AdamW if c.optimizer == "adamw" else torch.optim.Adam
        return kind(groups, lr=c.lr, betas=c.betas)

    def learning_rate(self, progress: float) -> float:
        c = self.config
        if c.schedule == "cosine":
            return super().learning_rate(progress)
        warm = min(1.0, (self.global_step + 1) / max(1, c.warmup))
        if c.schedule == "constant":
            return c.lr * warm
        epochs = max(1, round(c.steps / self.steps_per_epoch))
        return c.lr * warm * anneal((self.global_step // self.steps_per_epoch) / epochs)

    def configure_gradient_clipping(
        self, optimizer: torch.optim.Optimizer, gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        for group in optimizer.param_groups:
            torch.nn.utils.clip_grad_norm_(group["params"], self.config.clip)

    def on_train_start(self) -> None:
        super().on_train_start()
        if self.global_step == 0 and self.fresh:
            self.flow.initialize(self.trainer.datamodule.initial_rows(self.config.init_rows).to(self.device))
            self.ema.load_state_dict(self.flow.state_dict())

    def likelihood(self, flow: ReferenceFlow, v: Tensor, logdet: Tensor) -> Tensor:
        """log p [N] in nats: of the bytes for images, of the row for tables."""
        log_prob = flow.log_prob(v)
        return log_likelihood(log_prob, logdet, flow.dim) if v.dim() == 4 else log_prob

    def training_step(self, batch: tuple[Tensor, ...], batch_idx: int) -> Tensor:
        if len(batch) == 2:
            total = self.likelihood(self.flow, *batch)
            self.monitored = bits_per_dim(total.detach(), self.flow.dim).mean()
            return finite(-total.mean(), self.global_step)
        # One pass for both, so that batch normalisation sees them together.
        v, logdet, other_v, other_logdet = batch
        total = self.likelihood(self.flow, torch.cat([v, other_v]), torch.cat([logdet, other_logdet]))
        inside, outside = total.split([len(v), len(other_v)])
        self.monitored = bits_per_dim(inside.detach(), self.flow.dim).mean()
        loss, self.kept_outside = negative_loss(-inside, -outside, self.config.negative.threshold)
        return finite(loss, self.global_step)

    @torch.no_grad()
    def on_train_batch_end(self, outputs: object, batch: object, batch_idx: int) -> None:
        super().on_train_batch_end(outputs, batch, batch_idx)
        # Running statistics of batch normalisations are averages already.
        for mine, theirs in zip(self.ema.buffers(), self.flow.buffers(), strict=True):
            mine.copy_(theirs)

    def on_validation_start(self) -> None:
        self.ema.eval()

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        bits = bits_per_dim(self.likelihood(self.ema, *batch), self.flow.dim).mean()
        self.log("val_bpd", bits, batch_size=len(batch[0]), sync_dist=True)


def decay_groups(flow: nn.Module, family: str, weight_decay: float) -> list[dict]:
    """Weight decay for the gains of weight-normalised layers alone in RealNVP of images, for everything else elsewhere."""
    if family in ("glow", "tabular"):
        return [{"params": list(flow.parameters()), "weight_decay": weight_decay}]
    gains = [p for name, p in flow.named_parameters() if name.endswith("weight_g")]
    others = [p for name, p in flow.named_parameters() if not name.endswith("weight_g")]
    groups = [{"params": gains, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]
