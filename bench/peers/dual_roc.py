"""The dual-threshold AUC step by step as the reference computes it (Kamkari et al. 2024; exact steps below)."""

from __future__ import annotations

import numpy as np


def thresholds(pos: np.ndarray, neg: np.ndarray) -> np.ndarray:
    """Sorted distinct pooled values, and one just above the least positive and one just above the largest negative."""
    return np.unique(np.concatenate([pos, neg, [pos.min() + 1e-6, neg.max() + 1e-6]]))


def dual_auc(xp: np.ndarray, yp: np.ndarray, xn: np.ndarray, yn: np.ndarray) -> float:
    points = []
    for tx in thresholds(xp, xn):
        for ty in thresholds(yp, yn):
            tp = np.sum((xp >= tx) & (yp >= ty)) / len(xp)
            fp = np.sum((xn >= tx) & (yn >= ty)) / len(xn)
            points.append((fp, tp))
    points.sort(key=lambda point: "%.10f_%.10f" % point)
    frontier = [(0.0, 0.0)]
    for fp, tp in points:
        if fp >= frontier[-1][0] and tp >= frontier[-1][1]:
            frontier.append((fp, tp))
    frontier.append((1.0, 1.0))
    fp, tp = np.array(frontier).T
    return float(np.trapezoid(tp, fp))


def prepare(scores: str):
    xp, yp, xn, yn = np.load(scores)
    return {}, lambda: dual_auc(xp, yp, xn, yn), lambda value: {"auc": value}
