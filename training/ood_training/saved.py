"""Reads what a run left in a checkpoint: its configuration, its averaged weights and the record of the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

PREFIX = "ema."


@dataclass(frozen=True)
class SavedRun:
    config: dict
    #: those the run is evaluated and exported with.
    weights: dict[str, Tensor]
    #: `elapsed`, `max_minutes`, the last validation, and `step`.
    record: dict


AnyConfig = TypeVar("AnyConfig")
AnyNet = TypeVar("AnyNet", bound=nn.Module)


def read_saved(checkpoint: Path) -> SavedRun:
    if not checkpoint.exists():
        raise FileNotFoundError(f"{checkpoint}: expected a checkpoint, found none")
    state = torch.load(checkpoint, map_location="cpu", weights_only=False)
    weights = {key[len(PREFIX) :]: value for key, value in state["state_dict"].items() if key.startswith(PREFIX)}
    return SavedRun(state["ood"]["config"], weights, {**state["ood"], "step": state["global_step"]})


def averaged(checkpoint: Path) -> dict[str, Tensor]:
    """The averaged weights alone, to go on from."""
    return read_saved(checkpoint).weights


def load_run(
    checkpoint: Path, parse: Callable[[dict], AnyConfig], build: Callable[[AnyConfig], AnyNet]
) -> tuple[AnyNet, AnyConfig, dict]:
    """The averaged network in evaluation mode, the run's configuration and its record."""
    saved = read_saved(checkpoint)
    config = parse(saved.config)
    net = build(config)
    net.load_state_dict(saved.weights)
    return net.eval(), config, saved.record
