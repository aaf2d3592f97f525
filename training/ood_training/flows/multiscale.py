"""The multiscale flow: squeeze, steps, half of the channels leave; repeat; base N(0, I) on the flat latent.

The leaving halves are flattened and concatenated in the order they leave (dgm spec 2.1.1). The last coupling of every
level transforms the half that leaves given the half that stays, which plays the part of Glow's learned split prior.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .config import FlowConfig
from .coupling import Coupling
from .linear import NormalizedLinear
from .squeeze import squeeze, unsqueeze


class Step(nn.Module):
    def __init__(self, linear: NormalizedLinear, coupling: Coupling) -> None:
        super().__init__()
        self.linear = linear
        self.coupling = coupling


class Flow(nn.Module):
    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        self.config = config
        generator = torch.Generator().manual_seed(config.seed)
        self.levels = nn.ModuleList()
        #: shape [C, H, W] inside each level, after its squeeze.
        self.shapes: list[tuple[int, int, int]] = []
        c, h, w = config.shape
        for index, level in enumerate(config.levels):
            f = level.squeeze
            if h % f or w % f:
                raise ValueError(f"squeeze factor: expected a divisor of {h} x {w}, got {f}")
            c, h, w = c * f * f, h // f, w // f
            self.shapes.append((c, h, w))
            steps = nn.ModuleList()
            for step in range(level.steps):
                flip = (level.steps - 1 - step) % 2 == 0
                steps.append(Step(NormalizedLinear(c, generator), Coupling(c, (h, w), flip, config, level)))
            self.levels.append(steps)
            if index < len(config.levels) - 1:
                c = c - c // 2
        self.dim = math.prod(config.shape)

    def _is_vector(self, index: int) -> bool:
        return self.config.levels[index].net == "dense"

    @torch.no_grad()
    def initialize(self, x: Tensor) -> None:
        """Data-dependent initialisation of every ActNorm from one batch, front to back."""
        self._walk(x, initialize=True)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z [N, D] and log|det dz/dx| [N]."""
        return self._walk(x, initialize=False)

    def _walk(self, x: Tensor, initialize: bool) -> tuple[Tensor, Tensor]:
        parts: list[Tensor] = []
        logdet = x.new_zeros(1)
        for index, steps in enumerate(self.levels):
            c, h, w = self.shapes[index]
            x = squeeze(x, self.config.levels[index].squeeze)
            if self._is_vector(index):
                x = x.reshape(-1, c)
            for step in steps:
                if initialize:
                    step.linear.norm.initialize(x)
                x, constant = step.linear(x)
                x, change = step.coupling(x)
                logdet = logdet + constant + change
            if index < len(self.levels) - 1:
                parts.append(x[:, : c // 2].reshape(-1, (c // 2) * h * w))
                x = x[:, c // 2 :]
        last = math.prod(self.shapes[-1])
        parts.append(x.reshape(-1, last))
        return torch.cat(parts, dim=1), logdet

    def decode(self, z: Tensor) -> Tensor:
        """x [N, C, H, W] from the flat latent."""
        end = self.dim
        x: Tensor | None = None
        for index in reversed(range(len(self.levels))):
            c, h, w = self.shapes[index]
            leaving = c if x is None else c // 2
            start = end - leaving * h * w
            part = z[:, start:end]
            part = part if self._is_vector(index) else part.reshape(-1, leaving, h, w)
            x = part if x is None else torch.cat([part, x], dim=1)
            end = start
            for step in reversed(self.levels[index]):
                x = step.linear.inverse(step.coupling.inverse(x))
            if self._is_vector(index):
                x = x.reshape(-1, c, h, w)
            x = unsqueeze(x, self.config.levels[index].squeeze)
        assert x is not None
        return x

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) [N] in nats in model space (after the preprocessing, without its log-determinants)."""
        z, logdet = self.encode(x)
        return logdet - 0.5 * (z * z).sum(1) - 0.5 * self.dim * math.log(2 * math.pi)

    def parameter_count(self) -> int:
        """Trained numbers; L and U are stored square, so their empty triangles (C (C + 1) per step) do not count."""
        empty = sum(len(steps) * c * (c + 1) for steps, (c, _, _) in zip(self.levels, self.shapes, strict=True))
        return sum(p.numel() for p in self.parameters()) - empty

    def sample(self, count: int, generator: torch.Generator | None = None, temperature: float = 1.0) -> Tensor:
        z = torch.randn(count, self.dim, generator=generator) * temperature
        return self.decode(z)
