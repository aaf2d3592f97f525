"""Train an LSTM on genomes: `python -m ood_training.sequence.train --config configs/lstm-genome.toml`.

The run lives in runs/<name>; the same command resumes it from its last checkpoint, whatever ended it.
"""

from __future__ import annotations

import argparse
import logging
import os
import warnings
from pathlib import Path

import torch

from ..train import build_trainer
from .config import SequenceRun
from .data import SequenceData, folder_of, read_genomes
from .module import SequenceModule


def fit(config: SequenceRun, data: SequenceData, folder: Path, *, max_minutes: float | None = None,
        **trainer_options: object) -> SequenceModule:
    """Train in `folder`, resuming from `last.ckpt` when it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    module = SequenceModule(config, max_minutes)
    trainer = build_trainer(folder, **{"max_steps": config.steps, "clip": config.clip, **trainer_options})
    last = folder / "last.ckpt"
    trainer.fit(module, datamodule=data, ckpt_path=str(last) if last.exists() else None, weights_only=False)
    return module


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="TOML file of the run")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of all runs, and of synthetic genomes")
    parser.add_argument("--data-dir", type=Path, help="folder of the public data (train_in.npz ...) instead")
    parser.add_argument("--max-minutes", type=float, help="wall-clock budget; the learning rate decays to fit it")
    parser.add_argument("--accelerator", default="auto")
    parser.add_argument("--devices", default="auto")
    parser.add_argument("--strategy", default="auto", help="e.g. ddp for several GPUs")
    parser.add_argument("--precision", help="default: bf16-mixed on a GPU, 32-true on a CPU")
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument("--checkpoint-minutes", type=float, default=3.0)
    parser.add_argument("--log-every", type=int, default=100)
    parser.add_argument("--validate-every", type=int, default=500)
    args = parser.parse_args()

    warnings.filterwarnings("ignore", module="lightning")
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    if args.threads:
        torch.set_num_threads(args.threads)
    config = SequenceRun.read(args.config)
    source = folder_of(config, args.runs, args.data_dir)
    data = SequenceData(
        config, read_genomes(source, "train_in", config.limit), read_genomes(source, "val_in", config.validation)
    )
    folder = args.runs / config.name
    print(f"run={folder} pid={os.getpid()} resume={(folder / 'last.ckpt').exists()}", flush=True)
    fit(
        config, data, folder, max_minutes=args.max_minutes,
        accelerator=args.accelerator, devices=args.devices, strategy=args.strategy, precision=args.precision,
        checkpoint_minutes=args.checkpoint_minutes, log_every=args.log_every, validate_every=args.validate_every,
    )


if __name__ == "__main__":
    main()
