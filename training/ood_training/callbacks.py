"""Progress lines and crash-safe checkpoints, for modules with `progress`, `elapsed`, `last_validation` and `monitored`."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import lightning as L


class SafeCheckpoint(L.Callback):
    """Writes `last.ckpt` every few minutes and `best.ckpt` at the best validation.

    Each is written beside its place and renamed, so a kill at any moment leaves a complete file.
    """

    def __init__(self, folder: Path, minutes: float) -> None:
        self.folder, self.seconds = folder, 60 * minutes
        self._saved = time.monotonic()
        self.best: float | None = None

    def save(self, trainer: L.Trainer, name: str) -> None:
        temporary = self.folder / f"{name}.tmp"
        trainer.save_checkpoint(temporary)
        if trainer.is_global_zero:
            os.replace(temporary, self.folder / f"{name}.ckpt")

    def on_train_batch_start(self, trainer: L.Trainer, module: L.LightningModule, *_: object) -> None:
        # Not at the end of a batch: callbacks come before the module there, and its average would miss a step for good.
        due = trainer.strategy.broadcast(time.monotonic() - self._saved >= self.seconds)
        if due:
            self._saved = time.monotonic()
            self.save(trainer, "last")

    def on_validation_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        value = module.last_validation
        if trainer.sanity_checking or value is None or trainer.global_step == 0:
            return
        if self.best is None or value < self.best:
            self.best = value
            self.save(trainer, "best")

    def on_train_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self.save(trainer, "last")

    def state_dict(self) -> dict:
        return {"best": self.best}

    def load_state_dict(self, state: dict) -> None:
        self.best = state["best"]


class ProgressLines(L.Callback):
    """One line per `every` steps on stdout and, as JSON, in `progress.jsonl`."""

    def __init__(self, folder: Path, every: int) -> None:
        self.folder, self.every = folder, every
        self._mark = (time.monotonic(), 0)
        self._sum, self._count = 0.0, 0

    def _write(self, trainer: L.Trainer, record: dict) -> None:
        if not trainer.is_global_zero:
            return
        print(" ".join(f"{k}={v}" for k, v in record.items()), flush=True)
        with open(self.folder / "progress.jsonl", "a") as file:
            file.write(json.dumps(record) + "\n")

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._mark = (time.monotonic(), trainer.global_step)

    def on_train_batch_end(self, trainer: L.Trainer, module: L.LightningModule, *_: object) -> None:
        self._sum += float(module.monitored)
        self._count += 1
        step = trainer.global_step
        if step % self.every:
            return
        now = time.monotonic()
        images = (step - self._mark[1]) * module.config.batch * trainer.world_size
        self._write(trainer, {
            "step": step,
            "progress": round(module.progress(), 4),
            "minutes": round(module.elapsed() / 60, 1),
            f"train_{module.metric}": round(self._sum / self._count, 4),
            "lr": float(f"{trainer.optimizers[0].param_groups[0]['lr']:.3g}"),
            "images_per_s": round(images / max(1e-9, now - self._mark[0])),
        })
        self._mark, self._sum, self._count = (now, step), 0.0, 0

    def on_validation_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        if not trainer.sanity_checking and module.last_validation is not None:
            self._write(trainer, {"step": trainer.global_step, f"val_{module.metric}": round(module.last_validation, 4)})
