"""Log-probabilities of images by PixelCNN++ in PyTorch, under no_grad, the fastest of several ways to run the module.

The network is that of training/configs/pixelcnn-fmnist.toml with random weights; it is also what is exported for us.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

TRAINING = Path(__file__).resolve().parents[2] / "training"
sys.path.insert(0, str(TRAINING))

from ood_training.autoregressive.config import PixelCnnRun  # noqa: E402
from ood_training.autoregressive.export import FILE, compare, write_checkpoint, write_graph  # noqa: E402
from ood_training.autoregressive.pixelcnn import PixelCnn  # noqa: E402

#: images together, up to the batch asked for.
BATCHES = (1, 4, 16, 64)


def network(images: Tensor, quick: bool) -> PixelCnn:
    """The same each time, initialised from the images as training begins."""
    config = PixelCnnRun.read(TRAINING / "configs" / "pixelcnn-fmnist.toml").net
    if quick:
        config.filters = 8
    torch.manual_seed(5)
    net = PixelCnn(config)
    net.initialize(images)
    return net.eval()


def prepare(folder: str, images: str, batch: int, threads: int, quick: bool):
    torch.set_num_threads(threads)
    pixels = torch.from_numpy(np.load(images)).float()
    net = network(pixels[:64], quick)
    out = Path(folder)
    if not (out / "manifest.json").exists():
        out.mkdir(parents=True, exist_ok=True)
        write_graph(net, out / FILE)
        metrics = {"export": compare(out / FILE, net, {"x": net.scale(pixels[:4])})}
        write_checkpoint(net, out, name="pixelcnn", dataset="none", mutation=None, training={}, metrics=metrics)
    last = torch.channels_last

    def by(function, many: int, memory_format: torch.memory_format):
        def run(x: Tensor) -> Tensor:
            parts = [function(part.contiguous(memory_format=memory_format)) for part in x.split(many)]
            return torch.cat(parts)

        return run

    batches = [many for many in BATCHES if many <= batch][: 1 if quick else None]
    routes = {f"eager, {many}": by(net.log_prob, many, torch.contiguous_format) for many in batches}
    times = {name: _time(route, pixels[:batch]) for name, route in routes.items()}
    net = net.to(memory_format=last)
    routes |= {f"channels_last, {many}": by(net.log_prob, many, last) for many in batches}
    if not quick:
        compiled = torch.compile(net.log_prob)
        routes["torch.compile, channels_last"] = by(compiled, batch, last)
    failed = ""
    for name, route in routes.items():
        if name.startswith("eager"):
            continue
        try:
            times[name] = _time(route, pixels[:batch])
        except Exception as error:  # no compiler on this machine
            failed = f"; {name}: {type(error).__name__}"
    route = min(times, key=times.get)
    if route.startswith("eager"):
        net.to(memory_format=torch.contiguous_format)

    @torch.no_grad()
    def work() -> Tensor:
        return torch.cat([routes[route](part) for part in pixels.split(batch)])

    tried = ", ".join(f"{key}: {ms:.1f}" for key, ms in times.items()) + failed
    return {"route": route, "tried": tried}, work, lambda value: {"logProb": value.tolist()}


@torch.no_grad()
def _time(route, x: Tensor) -> float:
    """Milliseconds an image, the better of two after a warm-up."""
    route(x)
    best = float("inf")
    for _ in range(2):
        start = time.perf_counter()
        route(x)
        best = min(best, (time.perf_counter() - start) * 1000 / len(x))
    return best
