"""Samples by the probability-flow ODE with Heun steps on a grid of noise levels (Karras et al. 2022), for a look at a run.

In the variables y = x / mean(t), tau = std / mean the ODE is dy/dtau = -net(mean y, t): straight where the noise is.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..picture import png_sheet
from .objective import time_table
from .precondition import ScoreNetwork


def noise_levels(net: ScoreNetwork, steps: int, low: float = 0.005, high: float = 80.0, rho: float = 7.0) -> Tensor:
    """tau from high to low, evenly spaced in tau^(1/rho), within what the SDE reaches."""
    top = float(torch.exp(time_table(net.sde)[1][-1]))
    ramp = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
    high = min(high, top)
    return (high ** (1 / rho) + ramp * (low ** (1 / rho) - high ** (1 / rho))) ** rho


def time_of(net: ScoreNetwork, tau: Tensor) -> Tensor:
    t, log_tau = time_table(net.sde)
    return torch.from_numpy(np.interp(torch.log(tau).numpy(), log_tau.numpy(), t.numpy()))


@torch.no_grad()
def sample(net: ScoreNetwork, shape: tuple[int, ...], seed: int, steps: int = 30) -> Tensor:
    """[N, ...] in the network's data space."""
    taus = noise_levels(net, steps)
    times = time_of(net, taus)
    means = net.sde.mean(times)

    def slope(y: Tensor, i: int) -> Tensor:
        return -net((means[i] * y).float(), times[i].float().expand(len(y))).double()

    y = taus[0] * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    for i in range(steps):
        h = taus[i + 1] - taus[i]
        first = slope(y, i)
        y = y + h * 0.5 * (first + slope(y + h * first, i + 1))
    # One last step to no noise at all along the denoiser.
    return (y - taus[-1] * slope(y, steps)).float()


def grid_png(images: Tensor, columns: int) -> bytes:
    """PNG of images [N, C, H, W] in [-1, 1]."""
    return png_sheet(((images.clamp(-1, 1) + 1) * 127.5).round().byte().numpy(), columns)


def main() -> None:
    from .ema import load_ema

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="run folder")
    parser.add_argument("out", type=Path, help="PNG file")
    parser.add_argument("--which", default="last")
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    net, config, _ = load_ema(args.run / f"{args.which}.ckpt")
    images = sample(net, (args.count, *config.net.shape), args.seed, args.steps)
    args.out.write_bytes(grid_png(images, 16))


if __name__ == "__main__":
    main()
