"""Rows of a data set by name: training, validation and test.

Images: the names of images.py. Tables: the tasks of tables.py. `features:<set>`: features of a classifier, from
`<set>_features_train.npz` and `<set>_features_test.npz` with the array `embeddings` in OOD_FEATURES_DIR.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data.idx import data_dir
from ..data.splits import excluded_indices
from .images import IMAGES, read_image_set
from .tables import is_task, read_task


@dataclass
class Rows:
    """uint8 images [N, C, H, W], or float32 rows [N, D]."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def features_dir() -> Path:
    value = os.environ.get("OOD_FEATURES_DIR")
    return Path(value) if value else data_dir() / "features"


def read_features(name: str) -> tuple[np.ndarray, np.ndarray]:
    """(train, test) features [N, D] of the set `name`."""
    parts = []
    for split in ("train", "test"):
        path = features_dir() / f"{name}_features_{split}.npz"
        if not path.exists():
            raise FileNotFoundError(f"features:{name}: expected {path.name} in OOD_FEATURES_DIR, found none")
        with np.load(path) as arrays:
            if "embeddings" not in arrays:
                raise ValueError(f"{path.name}: expected an array called embeddings, got {', '.join(arrays)}")
            parts.append(np.asarray(arrays["embeddings"], dtype=np.float32))
    if any(part.ndim != 2 for part in parts):
        raise ValueError(f"features:{name}: expected rows [N, D], got {[part.shape for part in parts]}")
    return parts[0], parts[1]


def read_rows(name: str, validation: int, exclude: str | None = None) -> Rows:
    """Rows of `name`; the last `validation` training rows are set apart, those listed in `exclude` are in neither."""
    if name.startswith("features:"):
        train, test = read_features(name.removeprefix("features:"))
    elif is_task(name):
        train, test = read_task(name)
    elif name in IMAGES or name.startswith("npz:"):
        train, test = read_image_set(name)
    else:
        known = ", ".join([*IMAGES, "npz:FILE", "features:SET", "hepmass0", "miniboone0", "breast-cancer0"])
        raise ValueError(f"dataset: expected one of {known}, got {name}")
    if not 0 < validation < len(train):
        raise ValueError(f"{name}: expected 1 to {len(train) - 1} validation rows, got {validation}")
    rows = np.arange(len(train))
    cut, banned = len(train) - validation, excluded_indices(exclude)
    return Rows(train[np.setdiff1d(rows[:cut], banned)], train[np.setdiff1d(rows[cut:], banned)], test)
