"""The flow: a chain of couplings, squeezes and splits, and N(0, I) on what leaves it.

The latent is every part that was split off, flattened, in the order they leave, and the last tensor. What is split off
are the channels behind the first `keep` ones.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from ..flows.squeeze import squeeze, unsqueeze
from .config import ModelConfig, NetConfig
from .coupling import Coupled, Coupling
from .glow import ActNorm, FoldedLinear, InvertibleConv
from .layers import fold_layers
from .masks import Mask
from .networks import Mlp, st_network
from .variants import masks, widths


class Squeeze(nn.Module):
    """2 x 2 pixels to 4 channels; output channel 4 c + 2 dy + dx."""


class Split(nn.Module):
    """The first `keep` channels go on, the others leave."""

    def __init__(self, keep: int) -> None:
        super().__init__()
        self.keep = keep


class ReferenceFlow(nn.Module):
    """A flow of `ModelConfig`. Rows are model space: after dequantisation and logit, which are not in here."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.dim = math.prod(config.shape)
        self.layers = nn.ModuleList()
        #: shape of a row in front of each layer, and in the end.
        self.shapes: list[tuple[int, ...]] = [tuple(config.shape)]
        #: log|det| of layers that were folded away, in float64.
        self.constant = 0.0
        BUILDERS[config.family](self)

    def _append(self, layer: nn.Module, shape: tuple[int, ...] | None = None) -> None:
        self.layers.append(layer)
        self.shapes.append(self.shapes[-1] if shape is None else shape)

    def couple(self, mask: Mask, net: NetConfig) -> None:
        shape = self.shapes[-1]
        if len(shape) == 1:
            return self._append(Coupling(mask, shape, Mlp(shape[0], net)))
        c, h, w = shape
        channels = c // 2 if mask.kind == "channel" else c
        size = (h // mask.tiles, w // mask.tiles)
        self._append(Coupling(mask, shape, st_network(channels, size, net, double=mask.kind == "checkerboard")))

    def squeeze(self) -> None:
        c, h, w = self.shapes[-1]
        if h % 2 or w % 2:
            raise ValueError(f"squeeze: expected even height and width, got {h} x {w}")
        self._append(Squeeze(), (4 * c, h // 2, w // 2))

    def split(self) -> None:
        c, h, w = self.shapes[-1]
        self._append(Split(c // 2), (c // 2, h, w))

    def normalize(self) -> None:
        """A Glow step's ActNorm and 1x1 convolution."""
        self._append(ActNorm(self.shapes[-1][0], self.config.actnorm_scale))
        self._append(InvertibleConv(self.shapes[-1][0]))

    @property
    def couplings(self) -> list[Coupling]:
        return [layer for layer in self.layers if isinstance(layer, Coupling)]

    def parameter_count(self) -> int:
        return sum(p.numel() for p in self.parameters())

    @torch.no_grad()
    def initialize(self, x: Tensor) -> None:
        """Start every ActNorm from one batch, front to back."""
        self.walk(x, initialize=True)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z [N, D] and log|det dz/dx| [N]."""
        return self.walk(x)

    def walk(
        self, x: Tensor, initialize: bool = False, visit: Callable[[Coupled], None] | None = None
    ) -> tuple[Tensor, Tensor]:
        """encode; `visit` sees every coupling's result in order."""
        parts: list[Tensor] = []
        logdet: Tensor | float = 0.0
        for layer in self.layers:
            if isinstance(layer, Squeeze):
                x = squeeze(x, 2)
            elif isinstance(layer, Split):
                # Sizes by number, so that an exported graph has no shape arithmetic.
                kept, left = x[:, : layer.keep], x[:, layer.keep :]
                parts.append(left.flatten(1))
                x = kept
            elif isinstance(layer, FoldedLinear):
                x = layer(x)
            elif isinstance(layer, Coupling):
                result = layer.trace(x)
                x, logdet = result.y, logdet + result.logdet
                if visit is not None:
                    visit(result)
            else:
                if initialize and isinstance(layer, ActNorm):
                    layer.initialize(x)
                x, change = layer(x)
                logdet = logdet + change
        parts.append(x.flatten(1))
        z = torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]
        return z, logdet + self.constant if self.constant else logdet

    def decode(self, z: Tensor) -> Tensor:
        """x [N, ...shape] of the flat latent."""
        end = self.dim
        x = self._take(z, end, self.shapes[-1])
        end -= math.prod(self.shapes[-1])
        for index in reversed(range(len(self.layers))):
            layer = self.layers[index]
            if isinstance(layer, Squeeze):
                x = unsqueeze(x, 2)
            elif isinstance(layer, Split):
                c, h, w = self.shapes[index]
                left = (c - layer.keep, h, w)
                x = torch.cat([x, self._take(z, end, left)], dim=1)
                end -= math.prod(left)
            else:
                x = layer.inverse(x)
        return x

    def _take(self, z: Tensor, end: int, shape: tuple[int, ...]) -> Tensor:
        part = z[:, end - math.prod(shape) : end]
        return part if len(shape) == 1 else part.reshape(-1, *shape)

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) [N] in nats in model space."""
        z, logdet = self.encode(x)
        return logdet - 0.5 * (z * z).sum(1) - 0.5 * self.dim * math.log(2 * math.pi)

    def sample(self, count: int, generator: torch.Generator | None = None, temperature: float = 1.0) -> Tensor:
        return self.decode(torch.randn(count, self.dim, generator=generator) * temperature)

    def folded(self) -> "ReferenceFlow":
        """A copy as it is exported: no weight normalisation, no batch normalisation, no ActNorm; evaluation only."""
        flow = copy.deepcopy(self).cpu().eval().requires_grad_(False)
        layers, shapes = nn.ModuleList(), [flow.shapes[0]]
        for index, layer in enumerate(flow.layers):
            if isinstance(layer, ActNorm):
                continue
            if isinstance(layer, InvertibleConv):
                layer = FoldedLinear(flow.layers[index - 1], layer, flow.shapes[index][1:])
                flow.constant += layer.constant
            layers.append(layer)
            shapes.append(flow.shapes[index + 1])
        flow.layers, flow.shapes = layers, shapes
        return fold_layers(flow).requires_grad_(False)


def _real_nvp(flow: ReferenceFlow) -> None:
    """3 checkerboards, squeeze, 3 channel masks, split; in the last scale 4 checkerboards."""
    config = flow.config
    net = config.net
    for scale in range(config.scales):
        for reverse in (False, True, False):
            flow.couple(Mask("checkerboard", reverse), net)
        if scale == config.scales - 1:
            flow.couple(Mask("checkerboard", True), net)
            return
        flow.squeeze()
        if net.st != "autoencoder":
            net = replace(net, mid=2 * net.mid)
        for reverse in (False, True, False):
            flow.couple(Mask("channel", reverse), net)
        flow.split()


def _fixed(flow: ReferenceFlow) -> None:
    config = flow.config
    for mask, mid in zip(masks(config.masks), widths(config.masks, config.net.mid), strict=True):
        flow.couple(mask, replace(config.net, mid=mid))


def _glow(flow: ReferenceFlow) -> None:
    config = flow.config
    for scale in range(config.scales):
        flow.squeeze()
        for _ in range(config.couplings):
            flow.normalize()
            flow.couple(Mask("channel"), config.net)
        if config.multi_scale and scale < config.scales - 1:
            flow.split()


def _tabular(flow: ReferenceFlow) -> None:
    for index in range(flow.config.couplings):
        flow.couple(Mask("tabular", reverse=index % 2 == 1), flow.config.net)


BUILDERS: dict[str, Callable[[ReferenceFlow], None]] = {
    "realnvp": _real_nvp, "fixed": _fixed, "glow": _glow, "tabular": _tabular,
}
