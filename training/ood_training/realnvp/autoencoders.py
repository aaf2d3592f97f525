"""Convolutional autoencoders as st-networks: everything a coupling knows passes through `latent` numbers."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from .config import NetConfig

SLOPE = 0.01


class _Bottleneck(nn.Module):
    """Convolutions down, linear to `latent` numbers and back, transposed convolutions up, the last without activation."""

    def __init__(
        self, channels: int, size: tuple[int, int], config: NetConfig, widths: tuple[int, ...],
        strides: tuple[int, ...], padding: tuple[int, ...],
    ) -> None:
        super().__init__()
        sizes, inputs = [size], (channels, *widths)
        for stride, pad in zip(strides, padding, strict=True):
            sizes.append(tuple((n + 2 * pad - KERNEL) // stride + 1 for n in sizes[-1]))
        if min(sizes[-1]) < 1:
            raise ValueError(f"{config.st}: expected maps that survive its convolutions, got {size[0]} x {size[1]}")
        self.last = (widths[-1], *sizes[-1])
        numbers = widths[-1] * sizes[-1][0] * sizes[-1][1]
        self.down = nn.ModuleList(
            nn.Conv2d(inputs[i], inputs[i + 1], KERNEL, strides[i], padding[i]) for i in range(len(widths))
        )
        self.encoder, self.decoder = nn.Linear(numbers, config.latent), nn.Linear(config.latent, numbers)
        up = []
        for i in reversed(range(len(widths))):
            # Rows that the stride skipped on the way down come back as output padding.
            grown = [(n - 1) * strides[i] - 2 * padding[i] + KERNEL for n in sizes[i + 1]]
            missing = tuple(want - got for want, got in zip(sizes[i], grown, strict=True))
            outputs = 2 * channels if i == 0 else inputs[i]
            up.append(nn.ConvTranspose2d(inputs[i + 1], outputs, KERNEL, strides[i], padding[i], output_padding=missing))
        self.up = nn.ModuleList(up)
        if config.init_zeros:
            nn.init.zeros_(self.up[-1].weight)
            nn.init.zeros_(self.up[-1].bias)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.down:
            x = F.leaky_relu(layer(x), SLOPE)
        x = self.decoder(self.encoder(x.flatten(1))).reshape(-1, *self.last)
        for layer in self.up[:-1]:
            x = F.leaky_relu(layer(x), SLOPE)
        return self.up[-1](x)


KERNEL = 4


class Autoencoder(_Bottleneck):
    """Four convolutions of strides 1, 1, w / 14, w / 14 without padding.

    Below width 14 the reference divides to a stride of 0 and fails; here the stride is then 1, and maps that are too
    small for four convolutions are refused.
    """

    def __init__(self, channels: int, size: tuple[int, int], config: NetConfig) -> None:
        stride = max(1, size[1] // 14)
        super().__init__(channels, size, config, config.widths, (1, 1, stride, stride), (0, 0, 0, 0))


class OldAutoencoder(_Bottleneck):
    """Three convolutions of strides 1, 2, 2 and padding 2, 1, 1. Other widths than multiples of 4 work here, not there."""

    def __init__(self, channels: int, size: tuple[int, int], config: NetConfig) -> None:
        super().__init__(channels, size, config, (32, 32, 64), (1, 2, 2), (2, 1, 1))
