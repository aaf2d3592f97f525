"""PixelCNN++ (Salimans et al. 2017; spec 1.5): two stacks of gated blocks, down and up a ladder of resolutions."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import POINT, CausalConv, windows
from .mixture import head_size, log_prob_per_pixel, split_params


@dataclass
class PixelCnnConfig:
    """Parameters of the network, with the defaults of the reference."""

    shape: tuple[int, int, int] = (1, 28, 28)
    #: shape of what the model is conditioned on, if anything.
    condition: tuple[int, ...] | None = None
    #: gated blocks a level.
    resnets: int = 5
    #: levels of resolution, each half the one before.
    hierarchies: int = 3
    filters: int = 160
    #: logistic components a pixel.
    components: int = 10
    #: rows and columns a block sees, the current row included.
    field: tuple[int, int] = (3, 3)
    dropout: float = 0.5
    activation: str = "concat_elu"
    weight_norm: bool = True
    data_init: bool = True
    low: int = 0
    high: int = 255
    #: what couples channels: pixels in [-1, 1] ("normalized") or as they are ("raw", the reference's log-prob).
    dependence: str = "normalized"

    @staticmethod
    def from_dict(values: dict) -> "PixelCnnConfig":
        values = dict(values)
        for key in ("shape", "field", "condition"):
            if values.get(key) is not None:
                values[key] = tuple(values[key])
        config = PixelCnnConfig(**values)
        config.check()
        return config

    def check(self) -> None:
        _, h, w = self.shape
        step = 2 ** (self.hierarchies - 1)
        if h % step or w % step:
            raise ValueError(f"net.shape: expected sides divisible by {step} for {self.hierarchies} levels, got {h} x {w}")
        rows, cols = self.field
        if rows < 3 or cols < 3 or cols % 2 == 0:
            raise ValueError(f"net.field: expected at least 3 rows and an odd number of columns from 3, got {rows} x {cols}")
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"net.activation: expected one of {sorted(ACTIVATIONS)}, got {self.activation}")
        if self.dependence not in ("normalized", "raw"):
            raise ValueError(f"net.dependence: expected normalized or raw, got {self.dependence}")

    def to_dict(self) -> dict:
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items() if value is not None}


def concat_elu(x: Tensor) -> Tensor:
    return F.elu(torch.cat([x, -x], 1))


#: name -> (function, how many times wider its output is).
ACTIVATIONS = {"concat_elu": (concat_elu, 2), "elu": (F.elu, 1), "relu": (F.relu, 1)}


class GatedBlock(nn.Module):
    """x + a sigmoid(g), where (a, g) are the halves of a two-convolution branch that may look sideways and at a condition."""

    def __init__(self, config: PixelCnnConfig, window: object, side: int = 0) -> None:
        super().__init__()
        f = config.filters
        self.act, wider = ACTIVATIONS[config.activation]
        self.conv1 = CausalConv(wider * f, f, window, weight_norm=config.weight_norm)
        self.side = CausalConv(wider * side, f, POINT, weight_norm=config.weight_norm) if side else None
        self.dropout = nn.Dropout(config.dropout)
        self.conv2 = CausalConv(wider * f, 2 * f, window, weight_norm=config.weight_norm)
        self.condition = None
        if config.condition is not None:
            self.condition = nn.Linear(torch.Size(config.condition).numel(), 2 * f)
            nn.init.normal_(self.condition.weight, 0, 0.05)
            nn.init.zeros_(self.condition.bias)

    def forward(self, x: Tensor, side: Tensor | None = None, condition: Tensor | None = None) -> Tensor:
        y = self.conv1(self.act(x))
        if self.side is not None:
            y = y + self.side(self.act(side))
        y = self.conv2(self.dropout(self.act(y)))
        if self.condition is not None:
            y = y + self.condition(condition.flatten(1))[:, :, None, None]
        a, g = y.chunk(2, 1)
        return x + a * torch.sigmoid(g)


class PixelCnn(nn.Module):
    """x [B, C, H, W] in [-1, 1] -> the mixture's parameters at every pixel; none depends on that or a later pixel."""

    def __init__(self, config: PixelCnnConfig) -> None:
        super().__init__()
        self.config = config
        w = windows(config.field)
        f, n, c = config.filters, config.hierarchies, config.shape[0]

        def conv(inputs: int, name: str, transposed: bool = False) -> CausalConv:
            return CausalConv(inputs, f, w[name], weight_norm=config.weight_norm, transposed=transposed)

        self.first_vertical, self.first_up, self.first_left = conv(c, "first_vertical"), conv(c, "first_up"), conv(c, "first_left")

        def blocks(count: int, name: str, side: int) -> nn.ModuleList:
            return nn.ModuleList(GatedBlock(config, w[name], side) for _ in range(count))

        r = config.resnets
        self.down_v = nn.ModuleList(blocks(r, "vertical", 0) for _ in range(n))
        self.down_h = nn.ModuleList(blocks(r, "horizontal", f) for _ in range(n))
        self.shrink_v = nn.ModuleList(conv(f, "down_vertical") for _ in range(n - 1))
        self.shrink_h = nn.ModuleList(conv(f, "down_horizontal") for _ in range(n - 1))
        self.up_v = nn.ModuleList(blocks(r + (i > 0), "vertical", f) for i in range(n))
        self.up_h = nn.ModuleList(blocks(r + (i > 0), "horizontal", 2 * f) for i in range(n))
        self.grow_v = nn.ModuleList(conv(f, "up_vertical", True) for _ in range(n - 1))
        self.grow_h = nn.ModuleList(conv(f, "up_horizontal", True) for _ in range(n - 1))
        self.head = CausalConv(f, head_size(config.components, c), POINT, weight_norm=config.weight_norm)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> dict[str, Tensor]:
        vertical = [self.first_vertical(x)]
        horizontal = [self.first_up(x) + self.first_left(x)]
        for i in range(self.config.hierarchies):
            if i > 0:
                vertical.append(self.shrink_v[i - 1](vertical[-1]))
                horizontal.append(self.shrink_h[i - 1](horizontal[-1]))
            for v, h in zip(self.down_v[i], self.down_h[i]):
                vertical.append(v(vertical[-1], None, condition))
                horizontal.append(h(horizontal[-1], vertical[-1], condition))
        u_v, u_h = vertical.pop(), horizontal.pop()
        for i in range(self.config.hierarchies):
            if i > 0:
                u_v, u_h = self.grow_v[i - 1](u_v), self.grow_h[i - 1](u_h)
            for v, h in zip(self.up_v[i], self.up_h[i]):
                u_v = v(u_v, vertical.pop(), condition)
                u_h = h(u_h, torch.cat([u_v, horizontal.pop()], 1), condition)
        return split_params(self.head(F.elu(u_h)), self.config.components, self.config.shape[0])

    def scale(self, pixels: Tensor) -> Tensor:
        """Pixels in [low, high] -> [-1, 1]."""
        c = self.config
        return 2 * (pixels - c.low) / (c.high - c.low) - 1

    def log_prob_map(self, pixels: Tensor, condition: Tensor | None = None) -> Tensor:
        """log P of every pixel [B, H, W] in nats; `pixels` are integers in [low, high] as floats."""
        c = self.config
        params = self(self.scale(pixels), condition)
        return log_prob_per_pixel(params, pixels, c.low, c.high, c.dependence)

    def log_prob(self, pixels: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.log_prob_map(pixels, condition).flatten(1).sum(1)

    def convs(self) -> list[CausalConv]:
        return [m for m in self.modules() if isinstance(m, CausalConv)]

    @torch.no_grad()
    def initialize(self, pixels: Tensor, condition: Tensor | None = None) -> None:
        """Data-dependent initialisation of every weight norm from one batch, layer after layer."""
        if not (self.config.weight_norm and self.config.data_init):
            return
        was = self.training
        self.eval()
        for conv in self.convs():
            conv.initializing = True
        self(self.scale(pixels), condition)
        for conv in self.convs():
            conv.initializing = False
        self.train(was)

    def kernel_penalty(self) -> Tensor:
        """Sum of squares of all direction kernels: what `l2` weighs."""
        return torch.stack([conv.v.square().sum() for conv in self.convs()]).sum()

    def reference_parameters(self) -> int:
        """Parameters as the papers count them: masked kernel entries included."""
        masked = sum(conv.kernel_size() - conv.v.numel() for conv in self.convs())
        return sum(p.numel() for p in self.parameters()) + masked
