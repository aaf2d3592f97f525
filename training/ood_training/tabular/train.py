"""Train on manifold points: `python -m ood_training.tabular.train --config configs/tabular-flow-lollipop.toml`.

The run lives in runs/<name>; the same command resumes it. One device: these models are small.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import warnings
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from ..diffusion.data import ScoreData
from ..diffusion.train import fit as fit_diffusion
from ..train import fit as fit_flow
from .config import TabularConfig
from .data import FlowRows, read_points


def fit(config: TabularConfig, rows: tuple[np.ndarray, np.ndarray], folder: Path, **options: object) -> object:
    """Train in `folder`, resuming from `last.ckpt` when it is there; the points are recorded beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "points.json").write_text(json.dumps({"noise": config.noise, **asdict(config.points)}, indent=2) + "\n")
    options = {"accelerator": "cpu", "devices": 1, **options}
    if config.kind == "flow":
        return fit_flow(config.model, FlowRows(config.model, rows, config.noise), folder, **options)
    return fit_diffusion(config.model, ScoreData(config.model, rows), folder, **options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="TOML file of the run")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of all runs, and of the points")
    parser.add_argument("--max-minutes", type=float, help="wall-clock budget; the learning rate decays to fit it")
    parser.add_argument("--accelerator", default="cpu")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--log-every", type=int, default=200)
    parser.add_argument("--validate-every", type=int, default=1000)
    args = parser.parse_args()

    warnings.filterwarnings("ignore", module="lightning")
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    torch.set_num_threads(args.threads)
    config = TabularConfig.read(args.config)
    folder = args.runs / config.model.name
    print(f"run={folder} pid={os.getpid()} resume={(folder / 'last.ckpt').exists()}", flush=True)
    fit(
        config, read_points(config.points, args.runs), folder, max_minutes=args.max_minutes,
        accelerator=args.accelerator, log_every=args.log_every, validate_every=args.validate_every,
    )


if __name__ == "__main__":
    main()
