"""What happens to other sets' likelihoods while a flow is trained, in files that can be watched.

After every epoch `ood.jsonl` gets a line, `likelihoods.svg` a new histogram and, where samples are asked for,
`samples/epoch-<k>.png` a sheet of them; `epoch-<k>.ckpt` stays every `save_every` epochs.
"""

from __future__ import annotations

import json
from pathlib import Path

import lightning as L
import numpy as np
import torch
from torch import Tensor

from ..picture import histogram_svg, png_sheet, replace_file
from .data import FlowData
from .flow import ReferenceFlow
from .likelihood import auroc, bits_per_dim, pixels_of, rows_log_likelihood
from .run_config import RunConfig


@torch.no_grad()
def likelihoods(flow: ReferenceFlow, data: FlowData, rows: int, seed: int = 777) -> dict[str, Tensor]:
    """log p of the first `rows` (0: all) of the test set, called "test", and of every other set, in evaluation."""
    sets = {"test": data.rows.test, **data.ood}
    flow.eval()
    return {
        name: rows_log_likelihood(flow, torch.from_numpy(np.ascontiguousarray(values[: rows or len(values)])), seed)
        for name, values in sets.items()
    }


def record(found: dict[str, Tensor], dim: int, step: int, epoch: float) -> dict:
    """A line of ood.jsonl. AUROC has the test set as positives and log p as score: below 0.5 the other set is likelier."""
    entry: dict = {"step": step, "epoch": round(epoch, 3), "sets": {}}
    for name, values in found.items():
        each = {
            "rows": len(values), "meanLogLikelihood": float(values.mean()), "medianLogLikelihood": float(values.median()),
            "bitsPerDim": float(bits_per_dim(values.mean(), dim)),
        }
        if name != "test":
            each["auroc"] = auroc(found["test"], values)
        entry["sets"][name] = each
    return entry


class Monitor(L.Callback):
    def __init__(self, folder: Path, config: RunConfig, data: FlowData, every: int | None = None) -> None:
        """`every`: steps between two records, an epoch unless given."""
        self.folder, self.config, self.data = folder, config, data
        self.every = every or data.steps_per_epoch
        self.file = folder / "ood.jsonl"
        #: the last step that was recorded.
        self.recorded = 0

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        # A run that was killed after a record, and before the next checkpoint, comes by that step again.
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        kept = [line for line in lines if json.loads(line)["step"] <= trainer.global_step]
        if lines:
            replace_file(self.file, "".join(f"{line}\n" for line in kept))
        self.recorded = json.loads(kept[-1])["step"] if kept else 0

    def on_train_batch_start(self, trainer: L.Trainer, module: L.LightningModule, *_: object) -> None:
        # Not at the end of a batch: callbacks come before the module there, and its average would miss a step.
        self.look(trainer, module)

    def on_train_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self.look(trainer, module)

    def look(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        step = trainer.global_step
        if step > self.recorded and (step % self.every == 0 or step == self.config.steps):
            self.write(module.ema, step)
            self.recorded = step
        epoch, rest = divmod(step, self.data.steps_per_epoch)
        if self.config.save_every and step and rest == 0 and epoch % self.config.save_every == 0:
            temporary, kept = self.folder / f"epoch-{epoch}.tmp", self.folder / f"epoch-{epoch}.ckpt"
            if not kept.exists():
                trainer.save_checkpoint(temporary)
                temporary.replace(kept)

    def write(self, flow: ReferenceFlow, step: int) -> None:
        epoch = step / self.data.steps_per_epoch
        found = likelihoods(flow, self.data, self.config.monitored_rows)
        entry = record(found, flow.dim, step, epoch)
        with open(self.file, "a") as file:
            file.write(json.dumps(entry) + "\n")
        aurocs = ", ".join(f"{k} {v['auroc']:.3f}" for k, v in entry["sets"].items() if "auroc" in v)
        title = f"{self.config.name}, step {step}" + (f", AUROC against {aurocs}" if aurocs else "")
        values = {name: value.numpy() for name, value in found.items()}
        replace_file(self.folder / "likelihoods.svg", histogram_svg(values, title, "log p in nats"))
        if aurocs:
            print(title, flush=True)
        if self.config.samples and len(self.config.model.shape) == 3:
            folder = self.folder / "samples"
            folder.mkdir(exist_ok=True)
            with torch.no_grad():
                drawn = flow.sample(self.config.samples, torch.Generator().manual_seed(0))
            columns = max(1, int(self.config.samples**0.5))
            replace_file(folder / f"epoch-{epoch:g}.png", png_sheet(pixels_of(drawn).numpy(), columns))
