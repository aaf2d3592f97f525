"""All eigenvalues of a symmetric matrix by numpy (LAPACK), values only."""

from __future__ import annotations

import numpy as np


def prepare(M: str):
    matrix = np.load(M)
    return {}, lambda: np.linalg.eigvalsh(matrix), lambda value: {"eigenvalues": value.tolist()}
