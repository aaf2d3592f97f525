"""The UNet of the jvp rows: built, written as ONNX and kept for the peer. About a million random weights."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "training"))

from ood_training.proofs.export import export  # noqa: E402
from ood_training.proofs.vision import UNet  # noqa: E402


def model(quick: bool) -> torch.nn.Module:
    """28 x 28 images, resolutions 28, 14 and 7, attention at 7 x 7; `quick` is a tenth of the width."""
    torch.manual_seed(5)
    widths = (8, 8, 16) if quick else (32, 64, 128)
    return UNet(widths=widths, attention=(2,), groups=4 if quick else 8).eval()


def prepare(onnx: str, x: str, t: str, quick: bool):
    """Writes the graph, an image and a time; facts only, there is nothing to run."""
    net = model(quick)
    generator = torch.Generator().manual_seed(6)
    image, time = torch.randn(1, 1, 28, 28, generator=generator), torch.tensor([0.3])
    batch = (torch.cat([image, image]), torch.cat([time, time]))
    export(net, batch, Path(onnx), exporter="dynamo", inputs=("x", "t"), outputs=("y",))
    np.save(x, image.numpy())
    np.save(t, time.numpy())
    return {"parameters": sum(p.numel() for p in net.parameters())}, None, None
