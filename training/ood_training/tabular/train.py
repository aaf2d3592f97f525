"""Train on manifold points: `python -m ood_training.tabular.train --config configs/tabular-flow-lollipop.toml`.

The run lives in runs/<name>; the same command resumes it. One device: these models are small.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..diffusion.data import ScoreData
from ..diffusion.train import fit as fit_diffusion
from ..train import fit as fit_flow
from ..trainer import run_from_command_line
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
    run_from_command_line(
        __doc__, TabularConfig.read,
        lambda config, folder, args, options: fit(config, read_points(config.points, args.runs), folder, **options),
        accelerator="cpu", devices=1, threads=1, log_every=200,
    )


if __name__ == "__main__":
    main()
