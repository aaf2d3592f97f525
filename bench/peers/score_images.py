"""Flow log-likelihoods of raw images in PyTorch: dequantise, logit, encode graph, a standard normal, batch by batch."""

from __future__ import annotations

import math

import numpy as np
import torch

import onnx_torch


def prepare(onnx: str, images: str, batch: int, threads: int, alpha: float, eps: float):
    torch.set_num_threads(threads)
    rows = torch.from_numpy(np.load(images)).float()
    encode = onnx_torch.load(onnx)

    @torch.no_grad()
    def work() -> torch.Tensor:
        generator = torch.Generator().manual_seed(0)
        parts = []
        for x in rows.split(batch):
            unit = (x + torch.rand(x.shape, generator=generator)) / 256
            p = (alpha + (1 - 2 * alpha) * unit).clamp(eps, 1 - eps)
            v = torch.log(p) - torch.log1p(-p)
            stretch = math.log(1 - 2 * alpha) - math.log(256) - torch.log(p) - torch.log1p(-p)
            z, logdet = encode(v)
            normal = -0.5 * (z * z).sum(dim=1) - 0.5 * z.shape[1] * math.log(2 * math.pi)
            parts.append(normal + logdet + stretch.flatten(1).sum(dim=1))
        return torch.cat(parts)

    return {}, work, lambda value: {"logProb": value.tolist()}
