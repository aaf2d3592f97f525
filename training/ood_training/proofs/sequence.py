"""Sequence models of the proofs: GRU, LSTM, transformer encoder, causal decoder, a 1-D audio net."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Recurrent(nn.Module):
    """x [N, L, D] -> [N, E]: layers of nn.GRU, nn.LSTM or nn.RNN, batch first, and a linear head on every step."""

    def __init__(self, kind: str, width: int = 5, hidden: int = 6, layers: int = 2, both: bool = False) -> None:
        super().__init__()
        cell = {"gru": nn.GRU, "lstm": nn.LSTM, "rnn": nn.RNN}[kind]
        self.cells = cell(width, hidden, layers, batch_first=True, bidirectional=both)
        self.head = nn.Linear(hidden * (2 if both else 1), 3)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.cells(x)
        return self.head(y)


class Encoder(nn.Module):
    """x [N, L, D] -> [N, E]: nn.TransformerEncoder (norm first, GELU) on embedded tokens plus positions, mean, linear."""

    def __init__(self, width: int = 5, model: int = 12, heads: int = 3, length: int = 6) -> None:
        super().__init__()
        self.embed = nn.Linear(width, model)
        self.position = nn.Parameter(torch.randn(1, length, model) * 0.1)
        layer = nn.TransformerEncoderLayer(model, heads, 24, activation="gelu", batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(model), enable_nested_tensor=False)
        self.head = nn.Linear(model, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layers(self.embed(x) + self.position).mean(dim=1))


class RmsNorm(nn.Module):
    """x / sqrt(mean x^2 + eps), scaled (Zhang and Sennrich 2019)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(1 + 0.1 * torch.randn(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


def rotate(x: Tensor) -> Tensor:
    """Rotary position embedding of x [N, heads, L, size] (Su et al. 2021)."""
    length, half = x.shape[-2], x.shape[-1] // 2
    rate = torch.exp(torch.arange(half, dtype=x.dtype) * (-math.log(100.0) / half))
    angle = torch.arange(length, dtype=x.dtype)[:, None] * rate
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()], dim=-1)


class Causal(nn.Module):
    """x [N, L, D] -> logits [N, L, E]: RMS norm, rotary causal attention by scaled_dot_product_attention, SwiGLU."""

    def __init__(self, width: int = 5, model: int = 16, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.embed = nn.Linear(width, model)
        self.norm1, self.norm2, self.norm3 = RmsNorm(model), RmsNorm(model), RmsNorm(model)
        self.qkv, self.mix = nn.Linear(model, 3 * model, bias=False), nn.Linear(model, model, bias=False)
        self.gate, self.up, self.down = nn.Linear(model, 24), nn.Linear(model, 24), nn.Linear(24, model)
        self.head = nn.Linear(model, 4)

    def forward(self, x: Tensor) -> Tensor:
        h = self.embed(x)
        n, length, model = h.shape
        parts = self.qkv(self.norm1(h)).reshape(n, length, 3, self.heads, model // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = parts.unbind(0)
        mixed = F.scaled_dot_product_attention(rotate(q), rotate(k), v, is_causal=True)
        h = h + self.mix(mixed.transpose(1, 2).reshape(n, length, model))
        z = self.norm2(h)
        h = h + self.down(F.silu(self.gate(z)) * self.up(z))
        return F.log_softmax(self.head(self.norm3(h)), dim=-1)


class Audio(nn.Module):
    """x [N, 1, L] -> [N, 1, L']: strided, dilated and transposed 1-D convolutions, group norm, GLU, average pool."""

    def __init__(self, width: int = 6) -> None:
        super().__init__()
        self.first = nn.Conv1d(1, width, 5, stride=2, bias=False)
        self.norm = nn.GroupNorm(2, width)
        self.dilated = nn.Conv1d(width, 2 * width, 3, padding=2, dilation=2)
        self.back = nn.ConvTranspose1d(width, width, 4, stride=2, dilation=2)
        self.last = nn.Conv1d(width, 1, 3, padding=1, padding_mode="replicate")

    def forward(self, x: Tensor) -> Tensor:
        h = F.gelu(self.norm(self.first(x)))
        h = h + F.glu(self.dilated(h), dim=1)
        h = F.softplus(self.back(F.avg_pool1d(h, 2)))
        return torch.tanh(self.last(h))
