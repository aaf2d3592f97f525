"""PixelCNN++ as it is exported: the same function in the operators that inference engines run fastest.

Weight norm is one kernel. Every activation is computed once and shared by all that read it, also where the network
reads two stacks side by side: a 1 x 1 convolution of a concatenation is the sum of two. The two halves of a gated
branch are two convolutions, so the engine can fuse the gate's sigmoid and the sums, and nothing is split. ELU is
written as max(x, exp(min(x, 0)) - 1): vectorised everywhere, where engines' own ELU often is not.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import CausalConv
from .mixture import split_params
from .pixelcnn import GatedBlock, PixelCnn


@torch.no_grad()
def part(conv: CausalConv, outputs: Tensor | slice = slice(None), inputs: Tensor | slice = slice(None), *, bias: bool = True) -> CausalConv:
    """A convolution with some of the output and input channels of `conv`, its weight norm folded."""
    some = copy.copy(conv)
    some._parameters = dict(conv._parameters)
    weight = conv.weight()
    weight = weight[inputs][:, outputs] if conv.transposed else weight[outputs][:, inputs]
    some.v = nn.Parameter(weight.clone(), requires_grad=False)
    some.g = None
    some.bias = nn.Parameter(conv.bias[outputs].clone() * (1 if bias else 0), requires_grad=False)
    return some


def elu(x: Tensor) -> Tensor:
    return torch.maximum(x, torch.exp(torch.clamp(x, max=0.0)) - 1)


class Activations:
    """The activation of each tensor, computed when first asked for."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.known: dict[int, tuple[Tensor, Tensor]] = {}

    def __call__(self, x: Tensor) -> Tensor:
        if id(x) not in self.known:
            out = F.relu(x) if self.name == "relu" else elu(torch.cat([x, -x], 1) if self.name == "concat_elu" else x)
            self.known[id(x)] = x, out
        return self.known[id(x)][1]


class FoldedBlock(nn.Module):
    """A gated block with its convolutions in parts."""

    def __init__(self, block: GatedBlock, filters: int, side_widths: list[int], wider: int) -> None:
        super().__init__()
        self.conv1 = part(block.conv1)
        self.sides = nn.ModuleList()
        total, first = sum(side_widths), 0
        for width in side_widths:
            # An activation that doubles channels puts x's before -x's, of all sides together.
            reads = torch.cat([torch.arange(first, first + width) + copy_ * total for copy_ in range(wider)])
            self.sides.append(part(block.side, inputs=reads, bias=first == 0))
            first += width
        self.value = part(block.conv2, slice(0, filters))
        self.gate = part(block.conv2, slice(filters, None))
        self.condition = copy.deepcopy(block.condition)

    def forward(self, x: Tensor, sides: list[Tensor], condition: Tensor | None, act: Activations) -> Tensor:
        y = self.conv1(act(x))
        for conv, side in zip(self.sides, sides, strict=True):
            y = y + conv(act(side))
        y = act(y)
        value, gate = self.value(y), self.gate(y)
        if self.condition is not None:
            a, g = self.condition(condition.flatten(1))[:, :, None, None].chunk(2, 1)
            value, gate = value + a, gate + g
        return x + value * torch.sigmoid(gate)


class FoldedPixelCnn(nn.Module):
    """x [B, C, H, W] in [-1, 1] -> the mixture's parameters, equal to the network's own up to rounding."""

    def __init__(self, net: PixelCnn) -> None:
        super().__init__()
        net = copy.deepcopy(net).cpu().eval().requires_grad_(False)
        self.config = config = net.config
        f, wider = config.filters, 2 if config.activation == "concat_elu" else 1

        def blocks(groups: nn.ModuleList, sides: list[int]) -> nn.ModuleList:
            return nn.ModuleList(nn.ModuleList(FoldedBlock(b, f, sides, wider) for b in group) for group in groups)

        self.down_v, self.down_h = blocks(net.down_v, []), blocks(net.down_h, [f])
        self.up_v, self.up_h = blocks(net.up_v, [f]), blocks(net.up_h, [f, f])
        for name in ("first_vertical", "first_up", "first_left", "head"):
            setattr(self, name, part(getattr(net, name)))
        for name in ("shrink_v", "shrink_h", "grow_v", "grow_h"):
            setattr(self, name, nn.ModuleList(part(conv) for conv in getattr(net, name)))

    def forward(self, x: Tensor, condition: Tensor | None = None) -> dict[str, Tensor]:
        act = Activations(self.config.activation)
        vertical = [self.first_vertical(x)]
        horizontal = [self.first_up(x) + self.first_left(x)]
        for i in range(self.config.hierarchies):
            if i > 0:
                vertical.append(self.shrink_v[i - 1](vertical[-1]))
                horizontal.append(self.shrink_h[i - 1](horizontal[-1]))
            for v, h in zip(self.down_v[i], self.down_h[i]):
                vertical.append(v(vertical[-1], [], condition, act))
                horizontal.append(h(horizontal[-1], [vertical[-1]], condition, act))
        u_v, u_h = vertical.pop(), horizontal.pop()
        for i in range(self.config.hierarchies):
            if i > 0:
                u_v, u_h = self.grow_v[i - 1](u_v), self.grow_h[i - 1](u_h)
            for v, h in zip(self.up_v[i], self.up_h[i]):
                u_v = v(u_v, [vertical.pop()], condition, act)
                u_h = h(u_h, [u_v, horizontal.pop()], condition, act)
        return split_params(self.head(elu(u_h)), self.config.components, self.config.shape[0])
