"""The stand-ins' time embedding against the golden vectors of both published conventions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from ood_training.diffusion_standins import embedding

VECTORS = Path(__file__).parents[2] / "vectors" / "dgm" / "time_embedding.json"


@pytest.mark.parametrize(("kind", "scale", "options"), [
    ("mlp", 1.0, {"cos_first": False, "shift": 1.0}),
    ("unet", 1000.0, {"cos_first": True, "shift": 0.0}),
])
def test_embedding(kind: str, scale: float, options: dict) -> None:
    for time, want in json.loads(VECTORS.read_text())[kind].items():
        t = torch.tensor([scale * float(time)], dtype=torch.float64)
        got = embedding(t, 8, **options)[0]
        # The same formula in float64; an angle of 1000 loses three digits of the last ones.
        assert torch.allclose(got, torch.tensor(want, dtype=torch.float64), rtol=0, atol=1e-12)
