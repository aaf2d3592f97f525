"""Write the tiny flow fixtures of @ood/models-flow: `python -m ood_training.make_fixtures OUT_FOLDER`.

Two flows on 1 x 8 x 8 with random (never trained) weights, exported like any checkpoint, each with golden.json.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from .export import compare, manifest, write_graphs
from .flows import Flow, FlowConfig, LevelConfig
from .golden import write_golden

SHAPE = (1, 8, 8)


def tiny(coupling: str) -> FlowConfig:
    """Every kind of conditioner once: patches with summary and position, residual blocks, dense.

    The affine one has the shipped models' floor, and a clamp tight enough to bite.
    """
    stable = {"min_scale": 0.05, "clamp": 1.5} if coupling == "affine" else {}
    return FlowConfig(
        coupling=coupling, shape=SHAPE, bins=4, tail_bound=3.0, seed=3, **stable,
        levels=[
            LevelConfig(squeeze=2, steps=2, net="patch", hidden=8, patch=2, context=4),
            LevelConfig(squeeze=2, steps=2, net="residual", hidden=8, blocks=1),
            LevelConfig(squeeze=2, steps=2, net="dense", hidden=12, blocks=1),
        ],
    )


def random_flow(config: FlowConfig, seed: int = 5, spread: float = 0.15) -> Flow:
    """A flow whose zero-initialised layers are randomised too, so that every path carries signal."""
    torch.manual_seed(seed)
    flow = Flow(config)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(torch.randn_like(parameter) * spread)
    flow.initialize(torch.randn(256, *config.shape))
    return flow.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    for coupling in ("affine", "rqs"):
        name = f"tiny-{coupling}"
        folder = args.out / name
        folder.mkdir(parents=True, exist_ok=True)
        flow = random_flow(tiny(coupling))
        write_graphs(flow, folder)
        # Wide inputs, so that the spline's tails are reached as well.
        x = 1.5 * torch.randn(4, *SHAPE, generator=torch.Generator().manual_seed(7))
        write_golden(flow, x, folder)
        errors = compare(folder, flow, x)
        entry = manifest(
            flow, folder, name=name, dataset="none",
            training={"note": "random weights, never trained", "seed": 5,
                      "parameters": flow.parameter_count()},
            metrics={"export": {"random": errors}},
        )
        print(name, errors)
        for role, graph in entry["graphs"].items():
            print(role, (folder / graph["file"]).stat().st_size, graph["operators"])
        print("golden.json", (folder / "golden.json").stat().st_size)


if __name__ == "__main__":
    main()
