"""Which images a run may learn from, which it is selected on, and which it is scored on.

The last `validation` training images are the validation set; indices listed in an exclusion file (the demo's test
side) are in neither. The test split is only touched for the final bits/dim.
"""

from __future__ import annotations

import json
from importlib import resources

import numpy as np

from .idx import read_images


def excluded_indices(file: str | None) -> np.ndarray:
    """The `heldout` list of a JSON file shipped inside this package."""
    if file is None:
        return np.array([], dtype=np.int64)
    text = resources.files("ood_training").joinpath(file).read_text()
    return np.array(json.loads(text)["heldout"], dtype=np.int64)


def train_validation(dataset: str, validation: int, exclude: str | None) -> tuple[np.ndarray, np.ndarray]:
    """uint8 images [N, 1, 28, 28] to train on and to validate on."""
    images = read_images(dataset, "train")
    cut = len(images) - validation
    banned = excluded_indices(exclude)
    keep = np.setdiff1d(np.arange(cut), banned)
    check = np.setdiff1d(np.arange(cut, len(images)), banned)
    return images[keep], images[check]
