"""The classifier: strided 3x3 convolutions, a 1x1 one, and two linear layers with batch normalisation and SiLU between.

Features are what the first linear layer gives, before its activation: they have a density, where after a ReLU many
would be exactly zero. `logits = head(silu(features))`.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: channels that the last convolution leaves, so that the linear layer stays small.
REDUCED = 16


class Classifier(nn.Module):
    def __init__(self, shape: tuple[int, int, int], widths: tuple[int, ...], features: int, classes: int) -> None:
        super().__init__()
        channels, h, w = shape
        inputs = (channels, *widths)
        # The first two halve the resolution.
        convs = [nn.Conv2d(inputs[i], inputs[i + 1], 3, stride=2 if i < 2 else 1, padding=1) for i in range(len(widths))]
        self.convs = nn.ModuleList([*convs, nn.Conv2d(widths[-1], REDUCED, 1)])
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in (*widths, REDUCED))
        for _ in range(min(2, len(widths))):
            h, w = (h + 1) // 2, (w + 1) // 2
        self.features = nn.Linear(REDUCED * h * w, features)
        self.head = nn.Linear(features, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [N, K] and features [N, F] of x in [0, 1]."""
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.silu(norm(conv(x)))
        features = self.features(x.flatten(1))
        return self.head(F.silu(features)), features

    def folded(self) -> "Classifier":
        """A copy for evaluation, batch normalisations inside the convolutions."""
        net = copy.deepcopy(self).cpu().eval().requires_grad_(False)
        for index, (conv, norm) in enumerate(zip(net.convs, net.norms, strict=True)):
            scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
            shift = norm.bias.double() - norm.running_mean.double() * scale
            conv.weight = nn.Parameter((conv.weight.double() * scale[:, None, None, None]).float())
            conv.bias = nn.Parameter((conv.bias.double() * scale + shift).float())
            net.norms[index] = nn.Identity()
        return net


@torch.no_grad()
def outputs(net: Classifier, pixels: Tensor, batch: int = 500) -> tuple[Tensor, Tensor]:
    """Logits and features of bytes [N, C, H, W]."""
    pairs = [net(chunk.float() / 255) for chunk in pixels.split(batch)]
    return torch.cat([logits for logits, _ in pairs]), torch.cat([features for _, features in pairs])
