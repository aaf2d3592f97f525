"""What every kind of run shares: the Lightning trainer, resuming from the last checkpoint, and the command line."""

from __future__ import annotations

import argparse
import logging
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import lightning as L
import torch

from .budget import BudgetedModule
from .callbacks import ProgressLines, SafeCheckpoint


class Run(Protocol):
    """A run's configuration, as far as the command line looks into it."""

    name: str


AnyRun = TypeVar("AnyRun", bound=Run)
AnyModule = TypeVar("AnyModule", bound=BudgetedModule)


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
    callbacks: Sequence[L.Callback] = (),
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
        callbacks=[ProgressLines(folder, log_every), *callbacks, SafeCheckpoint(folder, checkpoint_minutes)],
    )


def fit_module(module: AnyModule, data: L.LightningDataModule, folder: Path, **trainer_options: object) -> AnyModule:
    """Train in `folder`, resuming from `last.ckpt` when it is there; steps and clipping are the run's unless given."""
    folder.mkdir(parents=True, exist_ok=True)
    options = {"max_steps": module.config.steps, "clip": module.config.clip, **trainer_options}
    last = folder / "last.ckpt"
    build_trainer(folder, **options).fit(
        module, datamodule=data, ckpt_path=str(last) if last.exists() else None, weights_only=False
    )
    return module


def arguments(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--config", required=True, help="TOML file of the run")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of all runs, and of the data made for them")
    parser.add_argument("--max-minutes", type=float, help="wall-clock budget; the learning rate decays to fit it")
    parser.add_argument("--accelerator", default="auto")
    parser.add_argument("--devices", default="auto")
    parser.add_argument("--strategy", default="auto", help="e.g. ddp for several GPUs")
    parser.add_argument("--precision", help="default: bf16-mixed on a GPU, 32-true on a CPU")
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument("--checkpoint-minutes", type=float, default=3.0)
    parser.add_argument("--log-every", type=int, default=100)
    parser.add_argument("--validate-every", type=int, default=1000)
    return parser


def run_from_command_line(
    description: str | None,
    read: Callable[[str], AnyRun],
    start: Callable[[AnyRun, Path, argparse.Namespace, dict], object],
    add: Callable[[argparse.ArgumentParser], object] | None = None,
    adjust: Callable[[AnyRun, argparse.Namespace], AnyRun] | None = None,
    **defaults: object,
) -> None:
    """Read a configuration and hand it, its folder and the trainer's options to `start`.

    `add` may add arguments, which `adjust`, which may change the configuration, and `start` find in the namespace;
    `defaults` replaces defaults.
    """
    parser = arguments(description)
    if add is not None:
        add(parser)
    parser.set_defaults(**defaults)
    args = parser.parse_args()

    warnings.filterwarnings("ignore", module="lightning")
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    if args.threads:
        torch.set_num_threads(args.threads)
    config = read(args.config)
    if adjust is not None:
        config = adjust(config, args)
    folder = args.runs / config.name
    print(f"run={folder} pid={os.getpid()} resume={(folder / 'last.ckpt').exists()}", flush=True)
    names = (
        "max_minutes", "accelerator", "devices", "strategy", "precision", "checkpoint_minutes", "log_every", "validate_every"
    )
    start(config, folder, args, {name: getattr(args, name) for name in names})
