"""Convolutions that see only earlier pixels, weight-normalised with data-dependent initialisation (spec 1.5).

Every mask of PixelCNN++ is a rectangle of the kernel, so the masked entries are never stored: the rectangle is the
kernel, and the padding is shifted instead. Nothing can unmask it, and no multiplication by zero is computed.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Window:
    """A kernel of `size` (rows, cols) of which rows `rows` and columns `cols`, both ends included, are used."""

    size: tuple[int, int]
    rows: tuple[int, int]
    cols: tuple[int, int]
    stride: int = 1

    @property
    def used(self) -> tuple[int, int]:
        return self.rows[1] - self.rows[0] + 1, self.cols[1] - self.cols[0] + 1

    def mask(self) -> Tensor:
        mask = torch.zeros(self.size)
        mask[self.rows[0] : self.rows[1] + 1, self.cols[0] : self.cols[1] + 1] = 1
        return mask


#: a 1 x 1 convolution, "dense" in the papers.
POINT = Window((1, 1), (0, 0), (0, 0))


def windows(field: tuple[int, int]) -> dict[str, Window]:
    """The kernels for a receptive field of (rows, cols), the current row included (table of spec 1.5)."""
    r, k = field
    c = k // 2
    return {
        "first_vertical": Window((2 * r - 1, k), (0, r - 2), (0, k - 1)),
        "first_up": Window((3, k), (0, 0), (0, k - 1)),
        "first_left": Window((3, k), (0, 1), (0, c - 1)),
        "vertical": Window((2 * r - 3, k), (0, r - 2), (0, k - 1)),
        "horizontal": Window((3, k), (0, 1), (0, c)),
        "down_vertical": Window((2 * (r - 1), k + 1), (0, r - 2), (0, k - 1), 2),
        "down_horizontal": Window((4, 2 * (c + 1)), (0, 1), (0, c), 2),
        "up_vertical": Window((2 * (r - 1) - 2, k + 1), (r - 3, 2 * (r - 1) - 3), (0, k - 1), 2),
        "up_horizontal": Window((2, 2 * (c + 1) - 2), (0, 1), (c - 1, 2 * (c + 1) - 3), 2),
    }


def same_padding(n: int, kernel: int, stride: int) -> int:
    """Rows added before the first one by TensorFlow's SAME rule: the smaller half of the total."""
    return max((-(-n // stride) - 1) * stride + kernel - n, 0) // 2


class CausalConv(nn.Module):
    """weight = g v / ||v||, the norm over everything but the output channel; bias after."""

    def __init__(self, inputs: int, outputs: int, window: Window, *, weight_norm: bool = True, transposed: bool = False):
        super().__init__()
        self.window, self.transposed = window, transposed
        shape = (inputs, outputs, *window.used) if transposed else (outputs, inputs, *window.used)
        self.out_axis = 1 if transposed else 0
        self.v = nn.Parameter(torch.randn(shape) * 0.05)
        self.g = nn.Parameter(self._norm().flatten()) if weight_norm else None
        self.bias = nn.Parameter(torch.zeros(outputs))
        #: set for one forward pass by `initialize`.
        self.initializing = False

    def _norm(self) -> Tensor:
        axes = [axis for axis in range(4) if axis != self.out_axis]
        return self.v.detach().square().sum(axes, keepdim=True).sqrt()

    def weight(self) -> Tensor:
        if self.g is None:
            return self.v
        axes = [axis for axis in range(4) if axis != self.out_axis]
        shape = [1] * 4
        shape[self.out_axis] = -1
        return self.v * (self.g.view(shape) / self.v.square().sum(axes, keepdim=True).sqrt())

    def kernel_size(self) -> int:
        """Entries of the whole kernel, masked ones included, as the papers count."""
        return self.v.numel() // (self.window.used[0] * self.window.used[1]) * self.window.size[0] * self.window.size[1]

    def forward(self, x: Tensor) -> Tensor:
        if self.initializing:
            self._initialize(x)
        return self._convolve(x, self.weight(), self.bias)

    def _initialize(self, x: Tensor) -> None:
        """g and bias such that outputs of this batch have mean 0 and variance 1 (Salimans & Kingma 2016)."""
        out = self._convolve(x, self.v / self._norm(), torch.zeros_like(self.bias))
        mean, variance = out.mean((0, 2, 3)), out.var((0, 2, 3), unbiased=False)
        scale = torch.rsqrt(variance + 1e-10)
        self.g.copy_(scale)
        self.bias.copy_(-mean * scale)

    def _convolve(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        w = self.window
        if w.size == (1, 1):
            return F.conv2d(x, weight, bias)
        if self.transposed:
            return self._transposed(x, weight, bias)
        pads: list[int] = []
        for n, size, (first, last) in ((x.shape[3], w.size[1], w.cols), (x.shape[2], w.size[0], w.rows)):
            before = same_padding(n, size, w.stride)
            reach = (-(-n // w.stride) - 1) * w.stride - before + last
            pads += [before - first, reach - (n - 1)]
        left, right, top, bottom = pads
        if left == right and top == bottom and left >= 0 and top >= 0:
            return F.conv2d(x, weight, bias, w.stride, (top, left))
        return F.conv2d(F.pad(x, pads), weight, bias, w.stride)

    def _transposed(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Output o receives input i through kernel entry r where o = stride i - before + r."""
        w = self.window
        full = F.conv_transpose2d(x, weight, None, w.stride)
        pads: list[int] = []
        for n, got, size, (first, _) in ((x.shape[3], full.shape[3], w.size[1], w.cols), (x.shape[2], full.shape[2], w.size[0], w.rows)):
            shift = first - same_padding(n * w.stride, size, w.stride)
            pads += [shift, n * w.stride - shift - got]
        return F.pad(full, pads) + bias.view(1, -1, 1, 1)
