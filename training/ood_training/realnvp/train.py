"""Train a flow of the paper: `python -m ood_training.realnvp.train --config configs/realnvp-fmnist.toml`.

The run lives in runs/<name>; the same command resumes it from its last checkpoint, whatever ended it.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ..trainer import fit_module, run_from_command_line
from .data import FlowData
from .module import ReferenceModule
from .run_config import RunConfig


def averaged(checkpoint: Path) -> dict[str, Tensor]:
    """The weights a run is evaluated with."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=False)["state_dict"]
    return {key[len("ema.") :]: value for key, value in state.items() if key.startswith("ema.")}


def fit(config: RunConfig, data: FlowData, folder: Path, *, max_minutes: float | None = None,
        **trainer_options: object) -> ReferenceModule:
    """Train in `folder`, resuming from `last.ckpt` when it is there."""
    if config.steps == 0:
        config.steps = config.epochs * data.steps_per_epoch
    start = None
    if config.init is not None and not (folder / "last.ckpt").exists():
        path = Path(config.init) if config.init.endswith(".ckpt") else folder.parent / config.init / "last.ckpt"
        start = averaged(path)
    module = ReferenceModule(config, data.steps_per_epoch, max_minutes, start)
    # Clipping is per parameter group, in the module; the trainer's own clips everything together.
    return fit_module(module, data, folder, **{"clip": config.clip, "devices": 1, **trainer_options})


def main() -> None:
    run_from_command_line(
        __doc__, RunConfig.read,
        lambda config, folder, args, options: fit(config, FlowData(config), folder, **options),
        devices=1,
    )


if __name__ == "__main__":
    main()
