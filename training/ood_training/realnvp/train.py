"""Train a flow of the paper: `python -m ood_training.realnvp.train --config configs/realnvp-fmnist.toml`.

The run lives in runs/<name>; the same command resumes it from its last checkpoint, whatever ended it. The paper's four
scripts are options of this one: `--ood mnist` records likelihoods of other sets while training, `--negative mnist`
pushes those of one down, and a configuration of family "tabular" is for tables.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..saved import averaged
from ..trainer import fit_module, run_from_command_line
from .data import FlowData
from .module import ReferenceModule
from .monitor import Monitor
from .options import add_options, configure
from .run_config import RunConfig


def fit(config: RunConfig, data: FlowData, folder: Path, *, max_minutes: float | None = None,
        monitor_every: int | None = None, **trainer_options: object) -> ReferenceModule:
    """Train in `folder`, resuming from `last.ckpt` when it is there; likelihoods are recorded when `config.ood` is."""
    if config.steps == 0:
        config.steps = config.epochs * data.steps_per_epoch
    start = None
    if config.init is not None and not (folder / "last.ckpt").exists():
        path = Path(config.init) if config.init.endswith(".ckpt") else folder.parent / config.init / "last.ckpt"
        start = averaged(path)
    module = ReferenceModule(config, data.steps_per_epoch, max_minutes, start)
    # Clipping is per parameter group, in the module; the trainer's own clips everything together.
    watched = [Monitor(folder, config, data, monitor_every)] if config.ood or config.samples or config.save_every else []
    options = {"clip": config.clip, "devices": 1, "callbacks": watched, **trainer_options}
    return fit_module(module, data, folder, **options)


def start(config: RunConfig, folder: Path, args: argparse.Namespace, options: dict) -> object:
    return fit(config, FlowData(config), folder, monitor_every=args.monitor_every, **options)


def main() -> None:
    try:
        run_from_command_line(__doc__, RunConfig.read, start, add_options, configure, devices=1)
    except (ValueError, FileNotFoundError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
