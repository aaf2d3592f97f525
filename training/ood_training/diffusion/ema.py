"""Reads the EMA network of a training checkpoint, for exporting and for sampling."""

from __future__ import annotations

from pathlib import Path

from ..saved import load_run
from .config import DiffusionConfig
from .precondition import ScoreNetwork


def load_ema(checkpoint: Path) -> tuple[ScoreNetwork, DiffusionConfig, dict]:
    """The EMA network, its configuration and the checkpoint's record of the run."""
    return load_run(checkpoint, DiffusionConfig.from_dict, DiffusionConfig.network)
