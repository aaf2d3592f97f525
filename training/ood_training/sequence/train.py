"""Train an LSTM on genomes: `python -m ood_training.sequence.train --config configs/lstm-genome.toml`.

The run lives in runs/<name>; the same command resumes it from its last checkpoint, whatever ended it.
"""

from __future__ import annotations

from pathlib import Path

from ..trainer import fit_module, run_from_command_line
from .config import SequenceRun
from .data import SequenceData, folder_of, read_genomes
from .module import SequenceModule


def fit(config: SequenceRun, data: SequenceData, folder: Path, *, max_minutes: float | None = None,
        **trainer_options: object) -> SequenceModule:
    """Train in `folder`, resuming from `last.ckpt` when it is there."""
    return fit_module(SequenceModule(config, max_minutes), data, folder, **trainer_options)


def read_data(config: SequenceRun, runs: Path, data_dir: Path | None) -> SequenceData:
    """The run's training and validation sequences."""
    source = folder_of(config, runs, data_dir)
    return SequenceData(
        config, read_genomes(source, "train_in", config.limit), read_genomes(source, "val_in", config.validation)
    )


def main() -> None:
    run_from_command_line(
        __doc__, SequenceRun.read,
        lambda config, folder, args, options: fit(config, read_data(config, args.runs, args.data_dir), folder, **options),
        lambda parser: parser.add_argument(
            "--data-dir", type=Path, help="folder of the public data (train_in.npz ...) instead of synthetic genomes"
        ),
        validate_every=500,
    )


if __name__ == "__main__":
    main()
