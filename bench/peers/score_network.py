"""The score network of the FLIPD rows: the UNet of training/configs/diffusion-fmnist.toml with random weights, as ONNX."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

TRAINING = Path(__file__).resolve().parents[2] / "training"
sys.path.insert(0, str(TRAINING))

from ood_training.diffusion.config import DiffusionConfig  # noqa: E402
from ood_training.diffusion.export import write_graph  # noqa: E402
from ood_training.diffusion.precondition import ScoreNetwork  # noqa: E402


def network(quick: bool) -> ScoreNetwork:
    """The same each time. Training begins with last layers of zero; here they are random, so that nothing is trivial."""
    config = DiffusionConfig.read(TRAINING / "configs" / "diffusion-fmnist.toml")
    if quick:
        config.net.channels = [8, 16]
    torch.manual_seed(5)
    net = config.network().eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.requires_grad_(False)
            if not parameter.any():
                parameter.normal_(std=0.02)
    return net


def prepare(onnx: str, t: float, quick: bool):
    """Writes the graph; facts only, there is nothing to run."""
    net = network(quick)
    write_graph(net, [1, 28, 28], Path(onnx))
    time = torch.tensor([t], dtype=torch.float64)
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "mean": float(net.sde.mean(time)),
        "std": float(net.sde.std(time)),
    }, None, None
