"""Weight-normalised layers and what they are folded into for export."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class WNConv2d(nn.Module):
    """Convolution whose kernel is g v / |v|, the norm over everything but the output channel (Salimans & Kingma 2016)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, bias: bool = True) -> None:
        super().__init__()
        plain = nn.Conv2d(inputs, outputs, kernel, bias=bias)
        self.padding = kernel // 2
        self.weight_v = nn.Parameter(plain.weight.detach())
        self.weight_g = nn.Parameter(self.length())
        self.bias = plain.bias

    def length(self) -> Tensor:
        return self.weight_v.detach().flatten(1).norm(dim=1)[:, None, None, None].clone()

    def kernel(self) -> Tensor:
        v = self.weight_v
        return v * (self.weight_g / v.flatten(1).norm(dim=1)[:, None, None, None])

    def zero(self) -> None:
        """Start at the zero map; the direction v stays, so gradients reach g."""
        nn.init.zeros_(self.weight_g)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernel(), self.bias, padding=self.padding)


class Rescale(nn.Module):
    """A learnable factor per channel, itself weight-normalised over nothing: g sign(v), at the start 1."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.weight_g = nn.Parameter(torch.ones(shape))
        self.weight_v = nn.Parameter(torch.ones(shape))

    def forward(self, x: Tensor) -> Tensor:
        return x * (self.weight_g * self.weight_v.sign())


class Affine2d(nn.Module):
    """y = scale x + shift per channel: what a batch normalisation is in evaluation."""

    def __init__(self, scale: Tensor, shift: Tensor) -> None:
        super().__init__()
        self.register_buffer("scale", scale[:, None, None])
        self.register_buffer("shift", shift[:, None, None])

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale + self.shift


class Times(nn.Module):
    """y = factor x, with a stored factor."""

    def __init__(self, factor: Tensor) -> None:
        super().__init__()
        self.register_buffer("factor", factor)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


def plain_conv(layer: WNConv2d, norm: nn.BatchNorm2d | None = None) -> nn.Conv2d:
    """The convolution a weight-normalised one amounts to, with the batch normalisation after it, computed in float64."""
    kernel = layer.double().kernel().detach()
    out, inputs, size, _ = kernel.shape
    bias = torch.zeros(out, dtype=kernel.dtype) if layer.bias is None else layer.bias.detach().double()
    if norm is not None:
        scale, shift = normalisation(norm)
        kernel, bias = kernel * scale[:, None, None, None], bias * scale + shift
    conv = nn.Conv2d(inputs, out, size, padding=layer.padding)
    conv.weight, conv.bias = nn.Parameter(kernel.float()), nn.Parameter(bias.float())
    return conv


def normalisation(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """(scale, shift) of a batch normalisation in evaluation, float64."""
    scale = norm.weight.detach().double() / (norm.running_var.double() + norm.eps).sqrt()
    return scale, norm.bias.detach().double() - norm.running_mean.double() * scale


def fold_layers(module: nn.Module) -> nn.Module:
    """Replace, in place, every weight-normalised layer and batch normalisation by what it is in evaluation."""
    for name, child in list(module.named_children()):
        if isinstance(child, WNConv2d):
            setattr(module, name, plain_conv(child))
        elif isinstance(child, nn.BatchNorm2d):
            scale, shift = normalisation(child)
            setattr(module, name, Affine2d(scale.float(), shift.float()))
        elif isinstance(child, Rescale):
            setattr(module, name, Times((child.weight_g * child.weight_v.sign()).detach()))
        elif hasattr(child, "fold"):
            child.fold()
            fold_layers(child)
        else:
            fold_layers(child)
    return module
