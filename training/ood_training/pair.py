"""Train a semantic and a background model from one file: `python -m ood_training.pair --config configs/pixelcnn-mnist.toml`.

Any kind of model with a density: flows, RealNVP and Glow, PixelCNN++, LSTMs. The background model is `<name>-background`:
the same architecture and schedule on data of which a part is replaced at random (Ren et al. 2019), by default a fifth, as
in the reference. `--background` takes its network and schedule from another file. Both resume like single runs.
"""

from __future__ import annotations

import argparse
import copy
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import export as flow_export
from . import train as flow_train
from .autoregressive import export as pixelcnn_export
from .autoregressive import train as pixelcnn_train
from .autoregressive.config import PixelCnnRun
from .autoregressive.data import PixelData
from .config import TrainConfig
from .data.mutation import KINDS as MUTATIONS
from .datamodule import ImageData
from .realnvp import export as realnvp_export
from .realnvp import train as realnvp_train
from .realnvp.data import FlowData
from .realnvp.run_config import RunConfig
from .sequence import export as sequence_export
from .sequence import train as sequence_train
from .sequence.config import SequenceRun
from .sequence.data import folder_of
from .trainer import Run, run_from_command_line

RATE = 0.2


@dataclass
class Kind:
    """How a kind of model is read, trained and exported."""

    parse: Callable[[dict], Run]
    fit: Callable[[Run, Path, argparse.Namespace, dict], object]
    export: Callable[[Run, Path, Path, argparse.Namespace], object]


KINDS = {
    "flow": Kind(
        TrainConfig.from_dict,
        lambda run, folder, _, options: flow_train.fit(run, ImageData(run), folder, **options),
        lambda _, checkpoint, out, args: flow_export.export_run(checkpoint, out, test=args.test),
    ),
    "realnvp": Kind(
        RunConfig.from_dict,
        lambda run, folder, _, options: realnvp_train.fit(run, FlowData(run), folder, **options),
        lambda _, checkpoint, out, __: realnvp_export.export_run(checkpoint, out),
    ),
    "pixelcnn": Kind(
        PixelCnnRun.from_dict,
        lambda run, folder, _, options: pixelcnn_train.fit(run, PixelData(run), folder, **options),
        lambda _, checkpoint, out, args: pixelcnn_export.export_run(checkpoint, out, test=1000 if args.test else 0),
    ),
    "sequence": Kind(
        SequenceRun.from_dict,
        lambda run, folder, args, options: sequence_train.fit(
            run, sequence_train.read_data(run, args.runs, args.data_dir), folder, **options
        ),
        lambda run, checkpoint, out, args: sequence_export.export_run(
            checkpoint, out, folder_of(run, args.runs, args.data_dir)
        ),
    ),
}


def kind_of(values: dict) -> str:
    """Which kind of model a file describes."""
    if "flow" in values:
        return "flow"
    if "model" in values:
        return "realnvp"
    if "genomes" in values or "vocabulary" in values.get("net", {}):
        return "sequence"
    if "components" in values.get("net", {}):
        return "pixelcnn"
    raise ValueError(f"--config: expected a model with a density ({', '.join(KINDS)}), got tables {', '.join(values)}")


def highest(kind: str, values: dict) -> int:
    """The largest value of an element of the data; the smallest is 0."""
    if kind == "sequence":
        return values["net"].get("vocabulary", 4) - 1
    return 255


@dataclass
class Pair:
    kind: str
    semantic: Run
    background: Run

    @property
    def name(self) -> str:
        return self.semantic.name


def pair(values: dict, rate: float = RATE, mutation: str = "categorical", background: dict | None = None) -> Pair:
    """Both runs of what a file says; `background`: another file's contents for the second network."""
    kind = kind_of(values)
    if values.get("mutation") is not None:
        raise ValueError(f"{values['name']}: expected the semantic model's file, got one with a mutation")
    other = copy.deepcopy(values if background is None else background)
    if kind_of(other) != kind:
        raise ValueError(f"--background: expected a {kind}, got a {kind_of(other)}")
    for key in ("dataset", "genomes", "exclude", "validation"):
        if key in values:
            other[key] = copy.deepcopy(values[key])
        else:
            other.pop(key, None)
    other["name"] = f"{values['name']}-background"
    other["mutation"] = {"rate": rate, "kind": mutation, "value_range": [0, highest(kind, values)]}
    parse = KINDS[kind].parse
    return Pair(kind, parse(values), parse(other))


def load(path: str | Path) -> dict:
    with open(path, "rb") as file:
        return tomllib.load(file)


def start(found: Pair, _: Path, args: argparse.Namespace, options: dict) -> None:
    kind = KINDS[found.kind]
    for run in (found.semantic, found.background):
        print(f"model={run.name}", flush=True)
        folder = args.runs / run.name
        kind.fit(run, folder, args, options)
        if args.export:
            kind.export(run, folder / "last.ckpt", args.export / run.name, args)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--background", help="TOML file with the background model's network and schedule")
    parser.add_argument("--rate", type=float, default=RATE, help=f"part of the elements that is replaced; default {RATE}")
    parser.add_argument("--mutation", default="categorical", choices=MUTATIONS)
    parser.add_argument("--data-dir", type=Path, help="sequences: folder of the public data instead of synthetic genomes")
    parser.add_argument("--export", type=Path, help="folder that gets both checkpoints")
    parser.add_argument("--test", action="store_true", help="score test images in the export too")


def main() -> None:
    def adjust(values: dict, args: argparse.Namespace) -> Pair:
        return pair(values, args.rate, args.mutation, load(args.background) if args.background else None)

    try:
        run_from_command_line(__doc__, load, start, add_options, adjust)
    except (ValueError, FileNotFoundError, TypeError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
