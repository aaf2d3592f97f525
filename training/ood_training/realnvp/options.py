"""Command-line options of a run that replace what its TOML file says."""

from __future__ import annotations

import argparse
import tomllib

from .run_config import RunConfig

#: published cut-offs of negative training, in nats.
CUTS = {1: -30_000.0, 3: -100_000.0}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ood", nargs="*", metavar="SET", help="sets whose likelihoods are recorded every epoch")
    parser.add_argument("--negative", metavar="SET", help="negative training against this set")
    parser.add_argument(
        "--threshold", type=float, help="its cut-off in nats; default -30000 for grey images, else -100000"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE",
        help="replaces a field of the configuration, in TOML: --set model.net.blocks=4 --set 'optimizer=\"rmsprop\"'",
    )
    parser.add_argument("--monitor-every", type=int, help="steps between two records of likelihoods; default an epoch")


def changed(values: dict, assignment: str) -> dict:
    """`values` with one nested field replaced; the value is TOML, or text where it is not."""
    key, sign, text = assignment.partition("=")
    if not sign or not key:
        raise ValueError(f"--set: expected key=value, got {assignment}")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *parents, last = key.split(".")
    here = values
    for name in parents:
        if not isinstance(here.get(name), dict):
            raise ValueError(f"--set: expected a table called {name}, found none ({assignment})")
        here = here[name]
    if last not in here:
        raise ValueError(f"--set: expected one of {', '.join(here)}, got {last}")
    here[last] = value
    return values


def configure(config: RunConfig, args: argparse.Namespace) -> RunConfig:
    """The run that a file and the options describe."""
    values = config.to_dict()
    for assignment in args.set:
        changed(values, assignment)
    if args.ood is not None:
        values["ood"] = args.ood
    if args.negative is not None:
        threshold = CUTS.get(values["model"]["shape"][0], CUTS[3]) if args.threshold is None else args.threshold
        values["negative"] = {"dataset": args.negative, "threshold": threshold}
    elif args.threshold is not None:
        if values.get("negative") is None:
            raise ValueError("--threshold: expected --negative with it, or a [negative] table")
        values["negative"]["threshold"] = args.threshold
    return RunConfig.from_dict(values)
