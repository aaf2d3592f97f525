"""Train a flow: `python -m ood_training.train --config configs/flow-fmnist.toml`.

The run lives in runs/<name>; the same command resumes it from its last checkpoint, whatever ended it.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from .config import TrainConfig
from .datamodule import ImageData
from .module import FlowModule
from .saved import averaged
from .trainer import fit_module, run_from_command_line


def initial_weights(init: str, runs: Path) -> dict[str, Tensor]:
    """The averaged weights of a run in `runs`, or of a .ckpt file."""
    checkpoint = Path(init) if init.endswith(".ckpt") else runs / init / "best.ckpt"
    return averaged(checkpoint)


def fit(config: TrainConfig, data: ImageData, folder: Path, *, max_minutes: float | None = None,
        compile: bool = False, **trainer_options: object) -> FlowModule:
    """Train in `folder`, resuming from `last.ckpt` when it is there."""
    resumes = (folder / "last.ckpt").exists()
    start = None if config.init is None or resumes else initial_weights(config.init, folder.parent)
    return fit_module(FlowModule(config, max_minutes, compile, start), data, folder, **trainer_options)


def main() -> None:
    run_from_command_line(
        __doc__, TrainConfig.read,
        lambda config, folder, args, options: fit(config, ImageData(config), folder, compile=args.compile, **options),
        lambda parser: parser.add_argument("--compile", action="store_true", help="torch.compile the likelihood"),
    )


if __name__ == "__main__":
    main()
