"""Shared by the tests: one thread, and the golden vectors of the repository."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture
def vectors() -> Callable[[str], dict]:
    """Reads a file of golden vectors."""
    def read(name: str) -> dict:
        return json.loads((Path(__file__).resolve().parents[2] / "vectors" / name).read_text())

    return read


@pytest.fixture
def flow_layers(vectors: Callable[[str], dict]) -> dict:
    """Vectors of single layers."""
    return vectors("dgm/flow_layers.json")
