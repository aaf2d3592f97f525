"""The models of the proofs, by name: how each is made, and what goes in and comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .plain import Mlp, SplineFlow
from .sequence import Audio, Causal, Encoder, Recurrent
from .vision import MixedConvNet, ResNet18, UNet, VaeDecoder


@dataclass(frozen=True)
class Case:
    make: Callable[[], nn.Module]
    #: Input shapes without the batch axis, by name. All are differentiated.
    inputs: dict[str, tuple[int, ...]]
    outputs: tuple[str, ...] = ("y",)
    #: How it is exported: "dynamo" (torch.export), "script" (TorchScript), "dynamo23" (operator set 23, which has
    #: Attention, RMSNormalization and GroupNormalization as operators).
    exporters: tuple[str, ...] = ("dynamo", "script")


CASES: dict[str, Case] = {
    "mlp": Case(Mlp, {"x": (7,)}),
    "spline-flow": Case(SplineFlow, {"x": (6,)}, ("z", "logdet")),
    "resnet18": Case(ResNet18, {"x": (2, 16, 16)}),
    "unet": Case(UNet, {"x": (1, 8, 8), "t": ()}, exporters=("dynamo", "script", "dynamo23")),
    "vae-decoder": Case(VaeDecoder, {"z": (6,)}),
    "mixed-conv": Case(MixedConvNet, {"x": (2, 9, 9)}),
    "gru": Case(lambda: Recurrent("gru"), {"x": (6, 5)}),
    "gru-both-ways": Case(lambda: Recurrent("gru", layers=1, both=True), {"x": (6, 5)}),
    "lstm": Case(lambda: Recurrent("lstm", both=True), {"x": (6, 5)}),
    "rnn": Case(lambda: Recurrent("rnn", layers=1), {"x": (6, 5)}),
    "transformer": Case(Encoder, {"x": (6, 5)}, exporters=("dynamo", "script", "dynamo23")),
    "causal": Case(Causal, {"x": (6, 5)}, exporters=("dynamo", "script", "dynamo23")),
    "audio": Case(Audio, {"x": (1, 40)}),
}


def build(name: str) -> nn.Module:
    """The model with random weights that depend on the name alone, every buffer moved off its trivial start."""
    generator = torch.Generator().manual_seed(sum(map(ord, name)))
    torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
    model = CASES[name].make().eval()
    with torch.no_grad():
        for key, value in model.state_dict().items():
            if key.endswith("running_var"):
                value.uniform_(0.5, 1.5)
            elif key.endswith("running_mean"):
                value.normal_(0, 0.2)
        for module in model.modules():
            affine = isinstance(module, nn.BatchNorm2d | nn.GroupNorm | nn.LayerNorm | nn.InstanceNorm2d)
            if affine:
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.2)
    return model


def sample(name: str, rows: int, seed: int) -> dict[str, Tensor]:
    """Standard normal inputs [rows, ...] rounded to float32, so that a float32 runner reads exactly these numbers."""
    generator = torch.Generator().manual_seed(seed)
    return {key: torch.randn(rows, *shape, generator=generator) for key, shape in CASES[name].inputs.items()}
