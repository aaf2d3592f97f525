"""The sequence model: one-hot tokens -> LSTM -> linear logits of the next token."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass
class LstmConfig:
    """Sizes; the defaults are the reference's (16,048,004 parameters)."""

    vocabulary: int = 4
    units: int = 2000

    def __post_init__(self) -> None:
        for name in ("vocabulary", "units"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"net.{name}: expected a positive integer, got {value}")

    def to_dict(self) -> dict:
        return asdict(self)


class SequenceLstm(nn.Module):
    """tokens [N, T] -> logits [N, T, V]; the logits at position t are of token t + 1."""

    def __init__(self, config: LstmConfig) -> None:
        super().__init__()
        self.config = config
        self.lstm = nn.LSTM(config.vocabulary, config.units, batch_first=True)
        self.head = nn.Linear(config.units, config.vocabulary)
        # PyTorch adds two biases where one does: the second stays zero. Gates are ordered input, forget, cell, output.
        self.lstm.bias_hh_l0.requires_grad_(False).zero_()
        with torch.no_grad():
            u = config.units
            self.lstm.bias_ih_l0.zero_()[u : 2 * u].fill_(1.0)  # remember by default
            for gate in self.lstm.weight_hh_l0.split(u):
                nn.init.orthogonal_(gate)
            for gate in self.lstm.weight_ih_l0.split(u):
                nn.init.xavier_uniform_(gate)

    def forward(self, tokens: Tensor) -> Tensor:
        hidden, _ = self.lstm(F.one_hot(tokens, self.config.vocabulary).to(self.head.weight.dtype))
        return self.head(hidden)

    def log_prob(self, tokens: Tensor) -> Tensor:
        """log p(token t + 1 | tokens up to t), nats, [N, T - 1]."""
        logits = self(tokens[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), reduction="none")
        return -loss.reshape(len(tokens), -1)

    def parameter_count(self) -> int:
        return sum(p.numel() for p in self.parameters() if p.requires_grad)
