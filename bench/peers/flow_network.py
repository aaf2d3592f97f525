"""The flows of the RealNVP and Glow rows: networks of training/configs with random weights, as encode.onnx and decode.onnx."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

TRAINING = Path(__file__).resolve().parents[2] / "training"
sys.path.insert(0, str(TRAINING))

from ood_training.realnvp.flow import ReferenceFlow  # noqa: E402
from ood_training.realnvp.glow import ActNorm  # noqa: E402
from ood_training.realnvp.graphs import write_graphs  # noqa: E402
from ood_training.realnvp.run_config import RunConfig  # noqa: E402


def network(config: str) -> ReferenceFlow:
    """The same each time; last layers that begin at zero are random, so that no coupling is the identity."""
    torch.manual_seed(5)
    flow = ReferenceFlow(RunConfig.read(TRAINING / "configs" / f"{config}.toml").model)
    with torch.no_grad():
        for module in flow.modules():
            if isinstance(module, ActNorm):
                module.initialized = True
        for parameter in flow.parameters():
            if not parameter.any():
                parameter.normal_(std=0.02)
    return flow.eval()


def prepare(config: str, folder: str):
    """Writes the graphs; facts only, there is nothing to run."""
    flow = network(config)
    write_graphs(flow.folded(), Path(folder))
    return {"parameters": sum(p.numel() for p in flow.parameters()), "dimension": flow.dim}, None, None
