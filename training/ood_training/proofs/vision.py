"""Image models of the proofs: ResNet-18, a UNet in the style of diffusion libraries, a VAE decoder."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions with batch norm, added to the input (He et al. 2016, figure 5 left)."""

    def __init__(self, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inner, outer, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outer)
        self.conv2 = nn.Conv2d(outer, outer, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outer)
        same = stride == 1 and inner == outer
        self.skip = nn.Identity() if same else nn.Sequential(
            nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer)
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + self.skip(x))


class ResNet18(nn.Module):
    """The standard topology (7 x 7 stride 2, max pool, four stages of two blocks, mean, linear) at narrow widths."""

    def __init__(self, channels: int = 2, widths: tuple[int, ...] = (4, 6, 12, 24), classes: int = 5) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels, widths[0], 7, 2, 3, bias=False)
        self.bn = nn.BatchNorm2d(widths[0])
        self.pool = nn.MaxPool2d(3, 2, 1)
        stages, inner = [], widths[0]
        for i, outer in enumerate(widths):
            stages += [BasicBlock(inner, outer, 1 if i == 0 else 2), BasicBlock(outer, outer, 1)]
            inner = outer
        self.stages = nn.Sequential(*stages)
        self.mean = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(inner, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stages(self.pool(F.relu(self.bn(self.stem(x)))))
        return self.head(torch.flatten(self.mean(x), 1))


class ResnetBlock(nn.Module):
    """GroupNorm, SiLU, convolution, twice, with the time added between and a skip around."""

    def __init__(self, inner: int, outer: int, time: int, groups: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(groups, inner), nn.Conv2d(inner, outer, 3, padding=1)
        self.time = nn.Linear(time, outer)
        self.norm2, self.conv2 = nn.GroupNorm(groups, outer), nn.Conv2d(outer, outer, 3, padding=1)
        self.dropout = nn.Dropout(0.1)
        self.skip = nn.Identity() if inner == outer else nn.Conv2d(inner, outer, 1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x))) + self.time(F.silu(time))[:, :, None, None]
        return self.skip(x) + self.conv2(self.dropout(F.silu(self.norm2(h))))


class AttentionBlock(nn.Module):
    """Self-attention over the pixels, by scaled_dot_product_attention."""

    def __init__(self, width: int, heads: int, groups: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(groups, width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        tokens = self.norm(x).reshape(n, c, h * w).transpose(1, 2)
        q, k, v = (
            part.reshape(n, h * w, self.heads, c // self.heads).transpose(1, 2) for part in self.qkv(tokens).chunk(3, -1)
        )
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, h * w, c)
        return x + self.out(mixed).transpose(1, 2).reshape(n, c, h, w)


class UNet(nn.Module):
    """x [N, C, H, W], t [N] -> [N, C, H, W]; resolutions halve by strided convolutions, double by nearest Resize."""

    def __init__(
        self, channels: int = 1, widths: tuple[int, ...] = (8, 16), attention: tuple[int, ...] = (1,), groups: int = 4
    ) -> None:
        super().__init__()
        self.base = widths[0]
        time = 2 * self.base
        self.embed = nn.Sequential(nn.Linear(self.base, time), nn.SiLU(), nn.Linear(time, time))
        self.stem = nn.Conv2d(channels, self.base, 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        width, skips = self.base, []

        def mix(level: int) -> nn.Module:
            return AttentionBlock(widths[level], 2, groups) if level in attention else nn.Identity()

        for level, outer in enumerate(widths):
            last = level == len(widths) - 1
            shrink = nn.Identity() if last else nn.Conv2d(outer, outer, 3, stride=2, padding=1)
            self.down.append(nn.ModuleList([ResnetBlock(width, outer, time, groups), mix(level), shrink]))
            width = outer
            skips.append(outer)
        self.middle = nn.ModuleList([ResnetBlock(width, width, time, groups), AttentionBlock(width, 2, groups)])
        for level in reversed(range(len(widths))):
            outer = widths[level]
            grow = nn.Identity() if level == 0 else nn.Conv2d(outer, outer, 3, padding=1)
            self.up.append(nn.ModuleList([ResnetBlock(width + skips.pop(), outer, time, groups), mix(level), grow]))
            width = outer
        self.norm, self.out = nn.GroupNorm(groups, width), nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        half = self.base // 2
        rates = torch.exp(torch.arange(half, dtype=x.dtype) * (-math.log(1e4) / half))
        angle = t[:, None] * rates
        time = self.embed(torch.cat([angle.sin(), angle.cos()], dim=1))
        h = self.stem(x)
        skips = []
        for block, attention, shrink in self.down:
            h = attention(block(h, time))
            skips.append(h)
            h = shrink(h)
        block, attention = self.middle
        h = attention(block(h, time))
        for block, attention, grow in self.up:
            h = attention(block(torch.cat([h, skips.pop()], dim=1), time))
            if not isinstance(grow, nn.Identity):
                h = grow(F.interpolate(h, scale_factor=2.0, mode="nearest"))
        return self.out(F.silu(self.norm(h)))


class VaeDecoder(nn.Module):
    """z [N, D] -> images in (0, 1): a linear layer, then transposed convolutions that double the side."""

    def __init__(self, latent: int = 6, width: int = 8, channels: int = 1) -> None:
        super().__init__()
        self.start = nn.Linear(latent, 2 * width * 3 * 3)
        self.width = 2 * width
        self.grow = nn.Sequential(
            nn.ConvTranspose2d(2 * width, width, 4, 2, 1), nn.BatchNorm2d(width), nn.LeakyReLU(0.2),
            nn.ConvTranspose2d(width, width, 3, 2, 1, output_padding=1, groups=2), nn.BatchNorm2d(width), nn.ELU(),
            nn.Conv2d(width, channels, 3, padding=1), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, z: Tensor) -> Tensor:
        return self.grow(self.start(z).reshape(-1, self.width, 3, 3))


class MixedConvNet(nn.Module):
    """Layers the others lack: depthwise and dilated convolutions, PReLU, Hardswish, instance norm, several pools."""

    def __init__(self, channels: int = 2, width: int = 8) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels, width, 3, padding=1)
        self.depthwise = nn.Conv2d(width, width, 5, padding=4, dilation=2, groups=width, padding_mode="reflect")
        self.instance = nn.InstanceNorm2d(width, affine=True)
        self.prelu = nn.PReLU(width)
        self.squeeze, self.excite = nn.Conv2d(width, 4, 1), nn.Conv2d(4, width, 1)
        self.mix = nn.Conv2d(width, 2 * width, 1)
        self.out = nn.Conv2d(2 * width, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.prelu(self.instance(self.depthwise(self.stem(x))))
        gate = self.excite(F.relu(self.squeeze(F.adaptive_avg_pool2d(h, 1))))
        h = F.hardswish(self.mix(h * F.hardsigmoid(gate)))
        h = F.avg_pool2d(h, 3, 2, 1) + F.max_pool2d(h, 2, 2, ceil_mode=True)
        h = F.interpolate(h, size=(8, 8), mode="bilinear", align_corners=False)
        return self.out(F.mish(h))
