"""Write the tiny score networks of @ood/models-diffusion's tests: `python -m ood_training.diffusion_standins OUT_FOLDER`.

Random, never trained weights, exported as their large relatives are, each with golden.json of float64 values and
directional derivatives by torch.func:

- `score-vp` a checkpoint folder as the trainer exports: UNet, x, t -> net.
- `gaussian-vp` a checkpoint folder whose network is the exact scaled score of a Gaussian on 1 x 2 x 2.
- `ddpm-epsilon`, `ddpm-text`, `ddpm-sample` bare graphs with the inputs and outputs of a UNet exported from diffusers:
  one int64 timestep for all rows; a float timestep for each row and a text condition; a float timestep in a list.
"""

from __future__ import annotations

import argparse
import json
import math
import warnings
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .diffusion.config import DiffusionConfig
from .diffusion.data import PREPROCESSING
from .diffusion.export import FILE, OPSET, write_checkpoint, write_graph
from .diffusion.precondition import ScoreNetwork
from .diffusion.sde import VariancePreserving
from .diffusion.unet import UNet, UNetConfig
from .graph import save_graph, strip


def embedding(t: Tensor, width: int, *, cos_first: bool, shift: float) -> Tensor:
    """Sinusoidal features of t [N]: frequencies exp(-ln(10000) i / (width/2 - shift)), as published (dgm spec 2.2)."""
    half = width // 2
    frequencies = torch.exp(-math.log(10000.0) * torch.arange(half, dtype=t.dtype) / (half - shift))
    angle = t[:, None] * frequencies
    parts = [torch.cos(angle), torch.sin(angle)]
    return torch.cat(parts if cos_first else parts[::-1], dim=1)


class StandIn(nn.Module):
    """A UNet2DConditionModel in miniature: time embedding, residual block, attention over a text, out_sample."""

    def __init__(self, channels: int, width: int, text: int | None) -> None:
        super().__init__()
        self.width = width
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.stem = nn.Conv2d(channels, width, 3, padding=1)
        self.norm, self.conv = nn.GroupNorm(2, width), nn.Conv2d(width, width, 3, padding=1)
        self.query = nn.Linear(width, width)
        self.keys = nn.Linear(text or width, 2 * width)
        self.out = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, sample: Tensor, timestep: Tensor, encoder_hidden_states: Tensor | None = None) -> Tensor:
        t = timestep.to(sample.dtype).reshape(-1).expand(sample.shape[0])
        time = self.time(embedding(t, self.width, cos_first=True, shift=0.0))
        h = self.stem(sample)
        h = h + self.conv(F.silu(self.norm(h) + time[:, :, None, None]))
        rows = h.flatten(2).transpose(1, 2)
        k, v = self.keys(rows if encoder_hidden_states is None else encoder_hidden_states).chunk(2, dim=-1)
        weight = torch.softmax(self.query(rows) @ k.transpose(1, 2) / math.sqrt(self.width), dim=-1)
        h = h + (weight @ v).transpose(1, 2).reshape(h.shape)
        return self.out(F.silu(h))


class GaussianScore(nn.Module):
    """sigma(t) times the score of N(mean, diag(variance)) under a VP-SDE, in closed form."""

    def __init__(self, mean: Tensor, variance: Tensor) -> None:
        super().__init__()
        self.sde = VariancePreserving()
        self.register_buffer("mean", mean)
        self.register_buffer("variance", variance)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        mu, sigma = (value.reshape(-1, 1, 1, 1) for value in (self.sde.mean(t), self.sde.std(t)))
        return -sigma * (x - mu * self.mean) / (mu**2 * self.variance + sigma**2)


def shaken(module: nn.Module, seed: int, spread: float = 0.15) -> nn.Module:
    """The module with every parameter moved, so that zero-initialised layers carry signal as well."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(0.5 * parameter + spread * torch.randn(parameter.shape, generator=generator))
    return module.eval()


def export(module: nn.Module, examples: tuple, path: Path, names: list[str], dynamic: tuple) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module, examples, dynamo=True, input_names=names, output_names=["out_sample"], dynamic_shapes=dynamic,
            opset_version=OPSET, optimize=True, verbose=False,
        )
    model = strip(program.model_proto)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def golden(module: nn.Module, x: Tensor, t: Tensor, rest: tuple = (), directions: int = 3) -> dict:
    """Values and derivatives along random directions, in float64."""
    double = module.double()
    generator = torch.Generator().manual_seed(11)
    x, rest = x.double(), tuple(value.double() for value in rest)
    v = torch.randn((directions, *x.shape), generator=generator, dtype=torch.float64).float().double()
    time = t if t.dtype == torch.int64 else t.double()

    def f(rows: Tensor) -> Tensor:
        return double(rows, time, *rest)

    tangents = [torch.func.jvp(f, (x,), (direction,))[1] for direction in v]
    values = {"x": x, "t": t, "net": f(x), "v": v, "tangent": torch.stack(tangents)}
    values |= {"condition": rest[0]} if rest else {}
    return {name: value.detach().tolist() for name, value in values.items()}


def write(folder: Path, values: dict) -> None:
    # Nine significant digits hold a float32 and are a hundredth of the tests' tolerance.
    text = json.dumps(json.loads(json.dumps(values), parse_float=lambda digits: float(f"{float(digits):.9g}")))
    (folder / "golden.json").write_text(text + "\n")
    print(folder.name, {file.name: file.stat().st_size for file in sorted(folder.iterdir())})


def checkpoint(folder: Path, net: nn.Module, config: DiffusionConfig, shape: list[int]) -> None:
    entry = write_checkpoint(
        net, config, folder,
        data={"dataset": "none", "shape": shape, "valueRange": [0, 255], "dtype": "uint8"},
        preprocessing=PREPROCESSING, training={"note": "random weights, never trained"}, metrics={},
    )
    # A fixture says nothing about who made it.
    for key in ("hardware", "gitRevision", "torch"):
        del entry["training"][key]
    (folder / "manifest.json").write_text(json.dumps(entry, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)

    def folder(name: str) -> Path:
        path = args.out / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    shape = [1, 8, 8]
    net_config = UNetConfig(shape=shape, patch=2, channels=[8, 8], blocks=1, attention=[1], heads=2, groups=2)
    config = DiffusionConfig(name="score-vp", dataset="none", net=net_config)
    net = shaken(ScoreNetwork(UNet(net_config), config.sde), 1)
    here = folder("score-vp")
    write_graph(net, shape, here / FILE)
    checkpoint(here, net, config, shape)
    write(here, golden(net, torch.randn(3, *shape), torch.tensor([0.01, 0.25, 0.9])))

    small = [1, 2, 2]
    gaussian = GaussianScore(torch.tensor([[[0.2, -0.4], [0.0, 0.6]]]), torch.tensor([[[0.1, 0.04], [0.5, 0.01]]]))
    here = folder("gaussian-vp")
    save_graph(gaussian, (torch.randn(2, *small), torch.tensor([0.1, 0.5])), here / FILE, ["x", "t"], ["net"], OPSET)
    config = DiffusionConfig(name="gaussian-vp", dataset="none", net=UNetConfig(shape=small))
    checkpoint(here, gaussian, config, small)
    write(here, golden(gaussian, torch.randn(3, *small), torch.tensor([0.01, 0.25, 0.9])))

    sample = torch.randn(3, 2, 4, 4)
    batch = torch.export.Dim("batch", min=1, max=2**20)
    unet = "unet.onnx"

    plain = shaken(StandIn(2, 8, None), 2)
    here = folder("ddpm-epsilon")
    export(plain, (sample, torch.tensor(7)), here / unet, ["sample", "timestep"], ({0: batch}, {}))
    write(here, golden(plain, sample, torch.tensor(7)))

    text = shaken(StandIn(2, 8, 6), 3)
    states = torch.randn(1, 5, 6)
    here = folder("ddpm-text")
    each, rows = torch.tensor([3.0, 40.5, 99.0]), states.expand(3, 5, 6).contiguous()
    names = ["sample", "timestep", "encoder_hidden_states"]
    export(text, (sample, each, rows), here / unet, names, ({0: batch}, {0: batch}, {0: batch}))
    values = golden(text, sample, each, (rows,))
    write(here, {**values, "condition": states.tolist()})

    clean = shaken(StandIn(2, 8, None), 4)
    here = folder("ddpm-sample")
    one = torch.tensor([31.25])
    export(clean, (sample, one), here / unet, ["sample", "timestep"], ({0: batch}, {}))
    write(here, golden(clean, sample, one))


if __name__ == "__main__":
    main()
