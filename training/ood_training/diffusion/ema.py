"""Reads the EMA network of a training checkpoint, for exporting and for sampling."""

from __future__ import annotations

from pathlib import Path

import torch

from .config import DiffusionConfig
from .precondition import ScoreNetwork


def load_ema(checkpoint: Path) -> tuple[ScoreNetwork, DiffusionConfig, dict]:
    """The EMA network, its configuration and the checkpoint's record of the run."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=False)
    config = DiffusionConfig.from_dict(state["ood"]["config"])
    net = config.network()
    prefix = "ema."
    net.load_state_dict({k[len(prefix) :]: v for k, v in state["state_dict"].items() if k.startswith(prefix)})
    return net.eval(), config, {**state["ood"], "step": state["global_step"]}
