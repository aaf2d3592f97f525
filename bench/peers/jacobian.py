"""The decoder's Jacobian by torch.func, and the threshold LID at many scales from the eigenvalues of JᵀJ."""

from __future__ import annotations

import time

import numpy as np
import onnxruntime
import torch
from torch import Tensor

import onnx_torch

CHUNKS = (16, 28, 49, 98, 196, 392, 784)


def prepare(onnx: str, z: str, scales: list[float], threads: int, mode: str, quick: bool):
    torch.set_num_threads(threads)
    latent = torch.from_numpy(np.load(z)).reshape(-1)
    graph = onnx_torch.load(onnx)

    def decode(point: Tensor) -> Tensor:
        return graph(point[None])[0].reshape(-1)

    thresholds = torch.exp(2 * torch.tensor(scales, dtype=torch.float64))
    routes = {"jacfwd": torch.func.jacfwd(decode)}
    tried = ""
    name = "jacfwd"
    if mode == "fastest":
        routes = {
            f"{name} in chunks of {chunk}": make(decode, chunk)
            for name, make in (("jacrev", _chunked_jacrev), ("jacfwd", _chunked_jacfwd))
            for chunk in ((98,) if quick else CHUNKS)
        }
        times = {name: _best(route, latent) for name, route in routes.items()}
        name = min(times, key=times.get)
        tried = ", ".join(f"{key} {ms:.0f}" for key, ms in times.items())
    jacobian = routes[name]

    def work() -> tuple[Tensor, Tensor]:
        J = jacobian(latent)
        M = J.T @ J
        eigenvalues = torch.linalg.eigvalsh((M + M.T) / 2)
        return eigenvalues, (eigenvalues.double()[None] > thresholds[:, None]).sum(dim=1)

    J = jacobian(latent).double()
    singular = torch.linalg.svdvals(J).flip(0)
    facts = {
        "route": name,
        "tried": tried,
        "decodeError": _error(onnx, latent, decode),
        "singular": singular.tolist(),
        "lid": (singular[None] ** 2 > thresholds[:, None]).sum(dim=1).tolist(),
    }
    return facts, work, lambda value: {"lid": value[1].tolist()}


def _chunked_jacrev(decode, chunk: int):
    return torch.func.jacrev(decode, chunk_size=chunk)


def _chunked_jacfwd(decode, chunk: int):
    """jacfwd itself takes no chunk size; this is what it does, some directions at a time."""

    def jacobian(point: Tensor) -> Tensor:
        column = lambda v: torch.func.jvp(decode, (point,), (v,))[1]  # noqa: E731
        return torch.func.vmap(column, out_dims=1, chunk_size=chunk)(torch.eye(len(point)))

    return jacobian


def _best(route, latent: Tensor) -> float:
    """Better of two runs in milliseconds."""
    times = []
    for _ in range(2):
        start = time.perf_counter()
        route(latent)
        times.append((time.perf_counter() - start) * 1000)
    return min(times)


def _error(path: str, latent: Tensor, decode) -> float:
    """Largest difference between this function and the graph in onnxruntime; the bench stops above 1e-4."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (want,) = session.run(["x"], {"z": latent.numpy()[None]})
    got = decode(latent).numpy()
    error = float(np.abs(got - want.reshape(-1)).max())
    if error > 1e-4 * max(1.0, float(np.abs(want).max())):
        raise ValueError(f"decode: expected onnxruntime's values within 1e-4, got a difference of {error}")
    return error
