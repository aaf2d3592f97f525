"""Tiny flows of this folder for TypeScript tests: `python -m ood_training.realnvp.fixtures OUT_FOLDER`.

Random (never trained) weights on 1 x 8 x 8, exported like any checkpoint. golden.json holds, in float64, what
make_fixtures writes for our own flow, and `inner`: s, t and y of every coupling at the same x, by name.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from ..golden import golden_of, rounded, save_golden
from .config import ModelConfig, NetConfig
from .coupling import Coupled
from .export import compare, manifest
from .flow import ReferenceFlow
from .graphs import write_graphs
from .layout import inner_names
from .likelihood import PREPROCESSING
from .run_config import RunConfig

SHAPE = (1, 8, 8)


def models() -> dict[str, ModelConfig]:
    """Several scales with every kind of layer, and masks of quadrants."""
    return {
        "tiny-realnvp": ModelConfig("realnvp", SHAPE, NetConfig(mid=2, blocks=1)),
        "tiny-glow": ModelConfig("glow", SHAPE, NetConfig("highway", mid=4, blocks=1), couplings=2),
        "tiny-cycle": ModelConfig("fixed", SHAPE, NetConfig("convnet", mid=2, blocks=0), masks="cycle-1"),
    }


def random_flow(config: ModelConfig, seed: int = 5, spread: float = 0.15) -> ReferenceFlow:
    """A flow whose zero-initialised layers and running statistics are random too."""
    torch.manual_seed(seed)
    flow = ReferenceFlow(config).train()
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(torch.randn_like(parameter) * spread)
        x = torch.randn(256, *config.shape)
        flow.initialize(x)
        flow.encode(x)
    return flow.eval()


@torch.no_grad()
def inner_values(folded: ReferenceFlow, x: Tensor) -> dict[str, list]:
    """s, t and y of every coupling by name, in float64 (`folded` is float64 already)."""
    seen: list[Coupled] = []
    folded.walk(x, visit=seen.append)
    return {
        name: rounded(value)
        for index, result in enumerate(seen)
        for name, value in zip(inner_names(index), (result.s, result.t, result.y), strict=True)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    for name, model in models().items():
        folder = args.out / name
        folder.mkdir(parents=True, exist_ok=True)
        flow = random_flow(model)
        folded = flow.folded()
        write_graphs(folded, folder)
        x = 1.5 * torch.randn(2, *SHAPE, generator=torch.Generator().manual_seed(7))
        values = golden_of(folded, x, directions=2)
        save_golden({**values, "inner": inner_values(folded.double(), x.double())}, folder)
        errors = compare(folder, flow, x)
        entry = manifest(
            RunConfig(name=name, dataset="none", model=model), folded, folder,
            data={"dataset": "none", "shape": list(SHAPE), "valueRange": [0, 255], "dtype": "uint8"},
            preprocessing=PREPROCESSING,
            training={"note": "random weights, never trained", "seed": 5, "parameters": flow.parameter_count()},
            metrics={"export": {"random": errors}},
        )
        print(name, errors, {role: graph["operators"] for role, graph in entry["graphs"].items()})


if __name__ == "__main__":
    main()
