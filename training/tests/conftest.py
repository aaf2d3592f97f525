"""Shared by the tests: one thread, and the golden vectors when the checkout has them beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture
def flow_layers() -> dict:
    """Vectors of single layers; lives beside the repository and may be absent."""
    path = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "dgm" / "flow_layers.json"
    if not path.exists():
        pytest.skip("shared golden vectors absent: ../shared/vectors/dgm/flow_layers.json")
    return json.loads(path.read_text())
