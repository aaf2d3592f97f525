"""ActNorm and the invertible 1x1 convolution in the reference layout (spec llr-flows-ncis 2.2).

ActNorm: y = (x + bias) exp(logs), started from the first batch. Convolution: a full matrix W, at first a random
rotation, with log|det| = H W ln|det W|; its inverse is the inverse matrix.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ActNorm(nn.Module):
    def __init__(self, channels: int, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))
        self.logs = nn.Parameter(torch.zeros(channels, 1, 1))

    @torch.no_grad()
    def initialize(self, x: Tensor) -> None:
        """This batch leaves with mean 0 and deviation `scale` (biased variance over N, H, W)."""
        mean = x.mean(dim=(0, 2, 3))
        std = x.var(dim=(0, 2, 3), unbiased=False).sqrt()
        self.bias.copy_(-mean[:, None, None])
        self.logs.copy_(torch.log(self.scale / (std + 1e-6))[:, None, None])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """y and the log-determinant, the same for every row."""
        return (x + self.bias) * self.logs.exp(), self.logs.sum() * (x.shape[2] * x.shape[3])

    def inverse(self, y: Tensor) -> Tensor:
        return y * (-self.logs).exp() - self.bias


class InvertibleConv(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.linalg.qr(torch.randn(channels, channels))[0])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        logdet = torch.linalg.slogdet(self.weight)[1] * (x.shape[2] * x.shape[3])
        return F.conv2d(x, self.weight[:, :, None, None]), logdet

    def inverse(self, y: Tensor) -> Tensor:
        inverse = torch.linalg.inv(self.weight.double()).to(y.dtype)
        return F.conv2d(y, inverse[:, :, None, None])


class FoldedLinear(nn.Module):
    """ActNorm and convolution as one convolution y = W x + b, the inverse likewise, both computed in float64."""

    def __init__(self, norm: ActNorm, conv: InvertibleConv, size: tuple[int, int]) -> None:
        super().__init__()
        weight = conv.weight.detach().double()
        scale, bias = norm.logs.detach().double().flatten().exp(), norm.bias.detach().double().flatten()
        forward = weight * scale
        inverse = torch.linalg.inv(forward)
        logdet = size[0] * size[1] * (torch.linalg.slogdet(weight)[1] + scale.log().sum())
        #: in float64; the flow adds all of them up before it rounds.
        self.constant = float(logdet)
        self.register_buffer("weight", forward.float()[:, :, None, None])
        self.register_buffer("shift", (forward @ bias).float())
        self.register_buffer("back_weight", inverse.float()[:, :, None, None])
        self.register_buffer("back_shift", (-bias).float())

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, self.shift)

    def inverse(self, y: Tensor) -> Tensor:
        return F.conv2d(y, self.back_weight, self.back_shift)
