"""The flow as it is exported: every ActNorm + 1x1 convolution folded into one affine map, both directions.

Inverse matrices are computed once in float64. The sum of all constant log-determinants is one number. What is left is
Conv/Gemm, the coupling arithmetic and reshapes, with the batch axis free.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from .flows import Flow
from .flows.linear import apply_affine
from .flows.squeeze import squeeze, unsqueeze


class Affine(nn.Module):
    """y = W x + b with stored W and b."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight.float())
        self.register_buffer("bias", bias.float())

    def forward(self, x: Tensor) -> Tensor:
        return apply_affine(x, self.weight, self.bias)


class FoldedFlow(nn.Module):
    """encode(x) -> (z, logdet) and decode(z) -> x, equal to the flow's own up to rounding."""

    def __init__(self, flow: Flow) -> None:
        super().__init__()
        flow = copy.deepcopy(flow).cpu().eval().requires_grad_(False)
        exact = copy.deepcopy(flow).double()
        self.shapes, self.dim = flow.shapes, flow.dim
        self.squeezes = [level.squeeze for level in flow.config.levels]
        self.vectors = [level.net == "dense" for level in flow.config.levels]
        self.forwards, self.backwards, self.couplings = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        constant = torch.zeros((), dtype=torch.float64)
        for index, steps in enumerate(exact.levels):
            c, h, w = self.shapes[index]
            forwards, backwards = [], []
            for step in steps:
                weight, bias = step.linear.affine()
                inverse = torch.linalg.inv(weight)
                forwards.append(Affine(weight, bias))
                backwards.append(Affine(inverse, -inverse @ bias))
                constant = constant + step.linear.logdet_per_position() * h * w
            self.forwards.append(nn.ModuleList(forwards))
            self.backwards.append(nn.ModuleList(backwards))
            self.couplings.append(nn.ModuleList(step.coupling for step in flow.levels[index]))
        self.register_buffer("constant", constant.float())

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        parts: list[Tensor] = []
        logdet: Tensor | None = None
        for index, (c, h, w) in enumerate(self.shapes):
            x = squeeze(x, self.squeezes[index])
            if self.vectors[index]:
                x = x.reshape(-1, c)
            for affine, coupling in zip(self.forwards[index], self.couplings[index], strict=True):
                x, change = coupling(affine(x))
                logdet = change if logdet is None else logdet + change
            if index < len(self.shapes) - 1:
                parts.append(x[:, : c // 2].reshape(-1, (c // 2) * h * w))
                x = x[:, c // 2 :]
        assert logdet is not None
        parts.append(x.reshape(-1, x.shape[1] if self.vectors[-1] else x.shape[1] * x.shape[2] * x.shape[3]))
        return torch.cat(parts, dim=1), logdet + self.constant

    def decode(self, z: Tensor) -> Tensor:
        end = self.dim
        x: Tensor | None = None
        for index in reversed(range(len(self.shapes))):
            c, h, w = self.shapes[index]
            leaving = c if x is None else c // 2
            start = end - leaving * h * w
            part = z[:, start:end]
            part = part if self.vectors[index] else part.reshape(-1, leaving, h, w)
            x = part if x is None else torch.cat([part, x], dim=1)
            end = start
            pairs = list(zip(self.backwards[index], self.couplings[index], strict=True))
            for affine, coupling in reversed(pairs):
                x = affine(coupling.inverse(x))
            if self.vectors[index]:
                x = x.reshape(-1, c, h, w)
            x = unsqueeze(x, self.squeezes[index])
        assert x is not None
        return x


class Encoder(nn.Module):
    def __init__(self, folded: FoldedFlow) -> None:
        super().__init__()
        self.folded = folded

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.folded.encode(x)


class Decoder(nn.Module):
    def __init__(self, folded: FoldedFlow) -> None:
        super().__init__()
        self.folded = folded

    def forward(self, z: Tensor) -> Tensor:
        return self.folded.decode(z)
