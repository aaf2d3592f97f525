"""Rows of a data set by name: training, validation and test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.idx import FOLDERS, read_images
from ..data.splits import train_validation


@dataclass
class Rows:
    """uint8 images [N, C, H, W], or float32 rows [N, D]."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def read_rows(name: str, validation: int, exclude: str | None = None) -> Rows:
    if name in FOLDERS:
        train, check = train_validation(name, validation, exclude)
        return Rows(train, check, read_images(name, "test"))
    raise ValueError(f"dataset: expected one of {', '.join(FOLDERS)}, got {name}")
