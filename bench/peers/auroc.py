"""AUROC by scikit-learn."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import roc_auc_score


def prepare(positives: str, negatives: str):
    pos, neg = np.load(positives), np.load(negatives)
    truth = np.concatenate([np.ones(len(pos)), np.zeros(len(neg))])
    scores = np.concatenate([pos, neg])
    return {}, lambda: roc_auc_score(truth, scores), lambda value: {"auroc": float(value)}
