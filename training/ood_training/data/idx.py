"""Read the gzipped IDX files of MNIST and Fashion-MNIST from OOD_DATA_DIR."""

from __future__ import annotations

import gzip
import os
import struct
from pathlib import Path

import numpy as np

#: data set name -> folder under OOD_DATA_DIR.
FOLDERS = {"fashion-mnist": "fashion-mnist", "mnist": "mnist"}


def data_dir() -> Path:
    value = os.environ.get("OOD_DATA_DIR")
    if not value:
        raise FileNotFoundError("OOD_DATA_DIR: expected a folder with fashion-mnist/ and mnist/, got nothing")
    return Path(value)


def read_idx(path: Path) -> np.ndarray:
    """uint8 array of an IDX file: magic 00 00 08 <rank>, big-endian sizes, then the bytes."""
    with gzip.open(path, "rb") as file:
        raw = file.read()
    zero, kind, rank = struct.unpack(">HBB", raw[:4])
    if zero != 0 or kind != 8:
        raise ValueError(f"{path.name}: expected an IDX file of unsigned bytes, got magic {raw[:4].hex()}")
    shape = struct.unpack(f">{rank}I", raw[4 : 4 + 4 * rank])
    return np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * rank).reshape(shape)


def read_images(dataset: str, split: str) -> np.ndarray:
    """uint8 [N, 1, 28, 28] of split "train" or "test"."""
    if dataset not in FOLDERS:
        raise ValueError(f"dataset: expected one of {sorted(FOLDERS)}, got {dataset}")
    prefix = {"train": "train", "test": "t10k"}[split]
    return read_idx(data_dir() / FOLDERS[dataset] / f"{prefix}-images-idx3-ubyte.gz")[:, None]


def read_labels(dataset: str, split: str) -> np.ndarray:
    prefix = {"train": "train", "test": "t10k"}[split]
    return read_idx(data_dir() / FOLDERS[dataset] / f"{prefix}-labels-idx1-ubyte.gz")
