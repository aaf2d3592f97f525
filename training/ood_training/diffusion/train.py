"""Train a score network: `python -m ood_training.diffusion.train --config configs/diffusion-fmnist.toml`.

The run lives in runs/<name>; the same command resumes it from its last checkpoint, whatever ended it.
"""

from __future__ import annotations

from pathlib import Path

from ..trainer import fit_module, run_from_command_line
from .config import DiffusionConfig
from .data import ScoreData
from .module import DiffusionModule


def fit(config: DiffusionConfig, data: ScoreData, folder: Path, *, max_minutes: float | None = None,
        **trainer_options: object) -> DiffusionModule:
    """Train in `folder`, resuming from `last.ckpt` when it is there."""
    return fit_module(DiffusionModule(config, max_minutes), data, folder, **trainer_options)


def main() -> None:
    run_from_command_line(
        __doc__, DiffusionConfig.read,
        lambda config, folder, _, options: fit(config, ScoreData(config), folder, **options),
    )


if __name__ == "__main__":
    main()
