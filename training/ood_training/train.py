"""Train a flow: `python -m ood_training.train --config configs/flow-fmnist.toml`.

The run lives in runs/<name>; the same command resumes it from its last checkpoint, whatever ended it.
"""

from __future__ import annotations

import argparse
import logging
import os
import warnings
from pathlib import Path

import lightning as L
import torch
from torch import Tensor

from .callbacks import ProgressLines, SafeCheckpoint
from .config import TrainConfig
from .datamodule import ImageData
from .module import FlowModule


def build_trainer(
    folder: Path,
    *,
    accelerator: str = "auto",
    devices: str | int = "auto",
    strategy: str = "auto",
    precision: str | None = None,
    checkpoint_minutes: float = 3.0,
    log_every: int = 100,
    validate_every: int = 1000,
    max_steps: int = -1,
    clip: float = 1.0,
) -> L.Trainer:
    """A Lightning trainer without loggers or bars; reduced precision only where there is a GPU."""
    gpu = accelerator in ("gpu", "cuda") or (accelerator == "auto" and torch.cuda.is_available())
    if precision is None:
        precision = "bf16-mixed" if gpu else "32-true"
    return L.Trainer(
        accelerator=accelerator, devices=devices, strategy=strategy, precision=precision,
        max_steps=max_steps, max_epochs=-1, gradient_clip_val=clip,
        val_check_interval=validate_every, check_val_every_n_epoch=None, num_sanity_val_steps=0,
        logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        use_distributed_sampler=False,
        callbacks=[ProgressLines(folder, log_every), SafeCheckpoint(folder, checkpoint_minutes)],
    )


def initial_weights(init: str, runs: Path) -> dict[str, Tensor]:
    """The averaged weights of a run in `runs`, or of a .ckpt file."""
    checkpoint = Path(init) if init.endswith(".ckpt") else runs / init / "best.ckpt"
    state = torch.load(checkpoint, map_location="cpu", weights_only=False)["state_dict"]
    return {key[len("ema.") :]: value for key, value in state.items() if key.startswith("ema.")}


def fit(config: TrainConfig, data: ImageData, folder: Path, *, max_minutes: float | None = None,
        compile: bool = False, **trainer_options: object) -> FlowModule:
    """Train in `folder`, resuming from `last.ckpt` when it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    last = folder / "last.ckpt"
    start = None if config.init is None or last.exists() else initial_weights(config.init, folder.parent)
    module = FlowModule(config, max_minutes, compile, start)
    options = {"max_steps": config.steps, "clip": config.clip, **trainer_options}
    trainer = build_trainer(folder, **options)
    trainer.fit(module, datamodule=data, ckpt_path=str(last) if last.exists() else None, weights_only=False)
    return module


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="TOML file of the run")
    parser.add_argument("--runs", default="runs", help="folder of all runs")
    parser.add_argument("--max-minutes", type=float, help="wall-clock budget; the learning rate decays to fit it")
    parser.add_argument("--accelerator", default="auto")
    parser.add_argument("--devices", default="auto")
    parser.add_argument("--strategy", default="auto", help="e.g. ddp for several GPUs")
    parser.add_argument("--precision", help="default: bf16-mixed on a GPU, 32-true on a CPU")
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument("--compile", action="store_true", help="torch.compile the likelihood")
    parser.add_argument("--checkpoint-minutes", type=float, default=3.0)
    parser.add_argument("--log-every", type=int, default=100)
    parser.add_argument("--validate-every", type=int, default=1000)
    args = parser.parse_args()

    warnings.filterwarnings("ignore", module="lightning")
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    if args.threads:
        torch.set_num_threads(args.threads)
    config = TrainConfig.read(args.config)
    folder = Path(args.runs) / config.name
    print(f"run={folder} pid={os.getpid()} resume={(folder / 'last.ckpt').exists()}", flush=True)
    fit(
        config, ImageData(config), folder, max_minutes=args.max_minutes, compile=args.compile,
        accelerator=args.accelerator, devices=args.devices, strategy=args.strategy, precision=args.precision,
        checkpoint_minutes=args.checkpoint_minutes, log_every=args.log_every, validate_every=args.validate_every,
    )


if __name__ == "__main__":
    main()
