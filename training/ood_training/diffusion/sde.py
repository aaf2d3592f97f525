"""The forward SDEs in closed form (dgm spec 2.3): x_t = mean(t) x_0 + std(t) eps.

Times are float tensors of any shape in [0, 1]; T = 1.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor


def one_minus_exp(b: Tensor) -> Tensor:
    """1 - exp(-b), which loses all digits at small b as it stands; by tanh because ONNX has no expm1."""
    half = torch.tanh(0.5 * b)
    return 2 * half / (1 + half)


@dataclass(frozen=True)
class VariancePreserving:
    """dx = -beta/2 x dt + sqrt(beta) dw, beta linear in t (Song et al. 2021)."""

    beta_min: float = 0.1
    beta_max: float = 20.0

    def beta(self, t: Tensor) -> Tensor:
        return self.beta_min + (self.beta_max - self.beta_min) * t

    def integral(self, t: Tensor) -> Tensor:
        """B(t), the integral of beta."""
        return self.beta_min * t + 0.5 * (self.beta_max - self.beta_min) * t**2

    def mean(self, t: Tensor) -> Tensor:
        return torch.exp(-0.5 * self.integral(t))

    def std(self, t: Tensor) -> Tensor:
        return torch.sqrt(one_minus_exp(self.integral(t)))

    def drift(self, x: Tensor, t: Tensor) -> Tensor:
        return -0.5 * self.beta(t) * x

    def diffusion_squared(self, t: Tensor) -> Tensor:
        return self.beta(t)

    def manifest(self) -> dict:
        return {"name": "vp", "betaMin": self.beta_min, "betaMax": self.beta_max, "T": 1.0}


@dataclass(frozen=True)
class SubVariancePreserving(VariancePreserving):
    """The drift of the VP-SDE with g^2 = beta (1 - exp(-2 B)): std = 1 - exp(-B) (Song et al. 2021, section 3.4)."""

    def std(self, t: Tensor) -> Tensor:
        return one_minus_exp(self.integral(t))

    def diffusion_squared(self, t: Tensor) -> Tensor:
        return self.beta(t) * one_minus_exp(2 * self.integral(t))

    def manifest(self) -> dict:
        return {**super().manifest(), "name": "sub-vp"}


@dataclass(frozen=True)
class VarianceExploding:
    """Geometric: x_t = x_0 + sigma(t) eps, sigma = sigma_min (sigma_max / sigma_min)^t."""

    sigma_min: float = 0.01
    sigma_max: float = 50.0

    def mean(self, t: Tensor) -> Tensor:
        return torch.ones_like(t)

    def std(self, t: Tensor) -> Tensor:
        return self.sigma_min * (self.sigma_max / self.sigma_min) ** t

    def drift(self, x: Tensor, t: Tensor) -> Tensor:
        return torch.zeros_like(x)

    def diffusion_squared(self, t: Tensor) -> Tensor:
        return self.std(t) ** 2 * 2 * math.log(self.sigma_max / self.sigma_min)

    def manifest(self) -> dict:
        return {"name": "ve", "sigmaMin": self.sigma_min, "sigmaMax": self.sigma_max, "T": 1.0}


@dataclass(frozen=True)
class ExponentialVariance:
    """VE with variance exp(G(t)) - exp(g_min), G linear from g_min to g_max: std(0) = 0 exactly."""

    g_min: float = -5.0
    g_max: float = 5.0

    def mean(self, t: Tensor) -> Tensor:
        return torch.ones_like(t)

    def std(self, t: Tensor) -> Tensor:
        return torch.sqrt(math.exp(self.g_min) * torch.expm1((self.g_max - self.g_min) * t))

    def drift(self, x: Tensor, t: Tensor) -> Tensor:
        return torch.zeros_like(x)

    def diffusion_squared(self, t: Tensor) -> Tensor:
        return (self.g_max - self.g_min) * torch.exp(self.g_min + (self.g_max - self.g_min) * t)

    def manifest(self) -> dict:
        return {"name": "ve-exponential", "gMin": self.g_min, "gMax": self.g_max, "T": 1.0}


Sde = VariancePreserving | SubVariancePreserving | VarianceExploding | ExponentialVariance

SDES: dict[str, type] = {
    "vp": VariancePreserving,
    "sub-vp": SubVariancePreserving,
    "ve": VarianceExploding,
    "ve-exponential": ExponentialVariance,
}


def make_sde(values: dict) -> Sde:
    """`{name = "vp", beta_min = 0.1, ...}` of a config."""
    values = dict(values)
    name = values.pop("name", "vp")
    if name not in SDES:
        raise ValueError(f"sde.name: expected one of {sorted(SDES)}, got {name}")
    return SDES[name](**values)


def sde_config(sde: Sde) -> dict:
    name = next(key for key, kind in SDES.items() if type(sde) is kind)
    return {"name": name, **asdict(sde)}
