"""Train a PixelCNN++: `python -m ood_training.autoregressive.train --config configs/pixelcnn-fmnist.toml`.

The run lives in runs/<name>; the same command resumes it from its last checkpoint, whatever ended it.
"""

from __future__ import annotations

from pathlib import Path

from ..trainer import fit_module, run_from_command_line
from .config import PixelCnnRun
from .data import PixelData
from .module import PixelCnnModule


def fit(config: PixelCnnRun, data: PixelData, folder: Path, *, max_minutes: float | None = None,
        **trainer_options: object) -> PixelCnnModule:
    """Train in `folder`, resuming from `last.ckpt` when it is there."""
    return fit_module(PixelCnnModule(config, max_minutes), data, folder, **trainer_options)


def main() -> None:
    run_from_command_line(
        __doc__, PixelCnnRun.read,
        lambda config, folder, _, options: fit(config, PixelData(config), folder, **options),
    )


if __name__ == "__main__":
    main()
