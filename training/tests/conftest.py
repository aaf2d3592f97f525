"""Shared by the tests: one thread, and the golden vectors when the checkout has them beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture
def vectors() -> Callable[[str], dict]:
    """Reads a file of golden vectors; they live beside the repository and may be absent."""
    def read(name: str) -> dict:
        path = Path(__file__).resolve().parents[3] / "shared" / "vectors" / name
        if not path.exists():
            pytest.skip(f"shared golden vectors absent: ../shared/vectors/{name}")
        return json.loads(path.read_text())

    return read


@pytest.fixture
def flow_layers(vectors: Callable[[str], dict]) -> dict:
    """Vectors of single layers."""
    return vectors("dgm/flow_layers.json")
