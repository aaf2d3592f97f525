"""st-networks: from the identity part of a coupling to its raw scale and shift, 2 C channels (spec llr-flows-ncis 2.2)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .autoencoders import Autoencoder, OldAutoencoder
from .config import NetConfig
from .layers import WNConv2d, plain_conv


def _norm(channels: int, used: bool) -> nn.Module:
    return nn.BatchNorm2d(channels) if used else nn.Identity()


class ResidualBlock(nn.Module):
    """[BN] ReLU conv3x3 [BN] ReLU conv3x3, added to its input."""

    def __init__(self, channels: int, batch_norm: bool) -> None:
        super().__init__()
        self.in_norm = _norm(channels, batch_norm)
        self.in_conv: nn.Module = WNConv2d(channels, channels, 3, bias=False)
        self.out_norm = _norm(channels, batch_norm)
        self.out_conv: nn.Module = WNConv2d(channels, channels, 3)

    def fold(self) -> None:
        """The second normalisation goes into the convolution before it."""
        norm = self.out_norm if isinstance(self.out_norm, nn.BatchNorm2d) else None
        self.in_conv, self.out_norm = plain_conv(self.in_conv, norm), nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.in_conv(F.relu(self.in_norm(x)))
        return x + self.out_conv(F.relu(self.out_norm(y)))


class ResNet(nn.Module):
    """The default. With `skip`, what leaves is the sum of 1x1 convolutions of the first map and of every block's.

    With `bottleneck` (resnet_ae) there are no skips, and after block `blocks // 2 - 1` the whole map passes through
    `latent` numbers, linearly.
    """

    def __init__(self, channels: int, config: NetConfig, double: bool, size: tuple[int, int], bottleneck: bool) -> None:
        super().__init__()
        mid, norm = config.mid, config.batch_norm
        self.doubles = double
        self.in_norm = _norm(channels, norm)
        self.in_conv = WNConv2d(2 * channels, mid, 3)
        self.skip = config.skip and not bottleneck
        self.blocks = nn.ModuleList(ResidualBlock(mid, norm) for _ in range(config.blocks))
        if self.skip:
            self.in_skip = WNConv2d(mid, mid, 1)
            self.skips = nn.ModuleList(WNConv2d(mid, mid, 1) for _ in range(config.blocks))
        #: the bottleneck comes after this block.
        self.narrow = config.blocks // 2 - 1 if bottleneck else None
        if bottleneck:
            if config.blocks < 2:
                raise ValueError(f"resnet_ae: expected at least 2 blocks, got {config.blocks}")
            numbers = mid * size[0] * size[1]
            self.encoder, self.decoder = nn.Linear(numbers, config.latent), nn.Linear(config.latent, numbers)
        self.out_norm = _norm(mid, norm)
        self.out_conv = WNConv2d(mid, 2 * channels, 1)
        if config.init_zeros:
            self.out_conv.zero()

    def forward(self, x: Tensor) -> Tensor:
        x = self.in_norm(x)
        if self.doubles:
            # Half of a checkerboard's cells are zero: twice the rest has about the deviation of the whole.
            x = 2 * x
        x = self.in_conv(F.relu(torch.cat([x, -x], dim=1)))
        sum_ = self.in_skip(x) if self.skip else None
        for index, block in enumerate(self.blocks):
            x = block(x)
            if sum_ is not None:
                sum_ = sum_ + self.skips[index](x)
            if index == self.narrow:
                x = self.decoder(self.encoder(x.flatten(1))).reshape(-1, *x.shape[1:])
        x = x if sum_ is None else sum_
        return self.out_conv(F.relu(self.out_norm(x)))


def normal_(layer: nn.Conv2d, zero: bool = False) -> nn.Conv2d:
    """Weights from N(0, 0.05), or zero; bias 0."""
    nn.init.zeros_(layer.weight) if zero else nn.init.normal_(layer.weight, 0.0, 0.05)
    nn.init.zeros_(layer.bias)
    return layer


class HighwayBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_h = normal_(nn.Conv2d(channels, channels, 3, padding=1))
        self.conv_t = normal_(nn.Conv2d(channels, channels, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        gate = torch.sigmoid(self.conv_t(x))
        return self.conv_h(x) * gate + x * (1 - gate)


class Highway(nn.Module):
    """conv3x3, gated layers, conv1x1 that starts at zero; the gates are its only nonlinearity."""

    def __init__(self, channels: int, config: NetConfig) -> None:
        super().__init__()
        self.in_conv = normal_(nn.Conv2d(channels, config.mid, 3, padding=1))
        self.layers = nn.ModuleList(HighwayBlock(config.mid) for _ in range(config.blocks))
        self.out_conv = normal_(nn.Conv2d(config.mid, 2 * channels, 1), zero=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.in_conv(x)
        for layer in self.layers:
            x = layer(x)
        return self.out_conv(x)


class ConvNet(nn.Module):
    """Weight-normalised convolutions without any nonlinearity: 3x3, `blocks` x 3x3, 1x1."""

    def __init__(self, channels: int, config: NetConfig) -> None:
        super().__init__()
        mid = config.mid
        hidden = [WNConv2d(mid, mid, 3) for _ in range(config.blocks)]
        self.layers = nn.Sequential(WNConv2d(channels, mid, 3), *hidden, WNConv2d(mid, 2 * channels, 1))
        if config.init_zeros:
            self.layers[-1].zero()

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class GlowConvNet(nn.Module):
    """conv3x3, ReLU, conv1x1, ReLU, conv3x3 that starts at zero (Kingma & Dhariwal 2018)."""

    def __init__(self, channels: int, config: NetConfig) -> None:
        super().__init__()
        mid = config.mid
        self.layers = nn.Sequential(
            normal_(nn.Conv2d(channels, mid, 3, padding=1)), nn.ReLU(), normal_(nn.Conv2d(mid, mid, 1)), nn.ReLU(),
            normal_(nn.Conv2d(mid, 2 * channels, 3, padding=1), zero=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Mlp(nn.Module):
    """Linear, ReLU, [dropout], `hidden_layers` x (linear, ReLU), linear to 2 D numbers, for tables."""

    def __init__(self, features: int, config: NetConfig) -> None:
        super().__init__()
        h = config.mid
        layers: list[nn.Module] = [nn.Linear(features, h), nn.ReLU()]
        if config.dropout:
            layers.append(nn.Dropout(0.5))
        for _ in range(config.blocks):
            layers += [nn.Linear(h, h), nn.ReLU()]
        last = nn.Linear(h, 2 * features)
        if config.init_zeros:
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(*layers, last)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def st_network(channels: int, size: tuple[int, int], config: NetConfig, double: bool) -> nn.Module:
    """The network of a coupling that conditions on maps [channels, *size]; `double` is for checkerboards."""
    st = config.st
    if st in ("resnet", "resnet_ae"):
        return ResNet(channels, config, double, size, bottleneck=st == "resnet_ae")
    if st == "highway":
        return Highway(channels, config)
    if st == "convnet":
        return ConvNet(channels, config)
    if st == "glow_convnet":
        return GlowConvNet(channels, config)
    if st == "autoencoder":
        return Autoencoder(channels, size, config)
    if st == "autoencoder_old":
        return OldAutoencoder(channels, size, config)
    raise ValueError(f"st: expected one of {', '.join(NetConfig.TYPES)}, got {st}")
