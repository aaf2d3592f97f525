"""Products of all pairs of rows in float64 by numpy (a symmetric rank-k update of its BLAS)."""

from __future__ import annotations

import numpy as np


def prepare(J: str):
    rows = np.load(J)

    def work() -> np.ndarray:
        wide = rows.astype(np.float64)
        return wide @ wide.T

    return {}, work, lambda value: {"norm": float(np.linalg.norm(value))}
