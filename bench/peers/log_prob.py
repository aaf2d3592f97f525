"""Flow log-likelihoods in PyTorch: the encode graph and a standard normal, batch by batch without gradients."""

from __future__ import annotations

import math

import numpy as np
import torch

import onnx_torch


def prepare(onnx: str, v: str, batch: int, threads: int):
    torch.set_num_threads(threads)
    rows = torch.from_numpy(np.load(v))
    encode = onnx_torch.load(onnx)

    @torch.no_grad()
    def work() -> torch.Tensor:
        parts = []
        for x in rows.split(batch):
            z, logdet = encode(x)
            parts.append(-0.5 * (z * z).sum(dim=1) - 0.5 * z.shape[1] * math.log(2 * math.pi) + logdet)
        return torch.cat(parts)

    return {}, work, lambda value: {"logProb": value.tolist()}
