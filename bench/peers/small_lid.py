"""Estimators of small data, one thread: scikit-dimension where it is installed, else numba forms of the definitions.

The stand-ins do what scikit-dimension does: one search by scikit-learn's `NearestNeighbors`, then the estimator over the
arrays of neighbours, here in loops that numba compiles (in `prepare`, so compilation is never timed).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy.optimize import minimize_scalar
from sklearn.decomposition import PCA
from sklearn.metrics import pairwise_distances_chunked
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits


@njit
def _two_nn(dists, discard):
    n = len(dists)
    mu = np.sort(dists[:, 1] / dists[:, 0])
    kept = int(n * (1 - discard))
    products = 0.0
    squares = 0.0
    for i in range(kept):
        x = np.log(mu[i])
        products -= x * np.log(1 - (i + 1) / n)
        squares += x * x
    return products / squares


@njit
def _mle(dists):
    n, k = dists.shape
    out = np.empty(n)
    for i in range(n):
        total = 0.0
        for j in range(k - 1):
            total += np.log(dists[i, k - 1] / dists[i, j])
        out[i] = (k - 1) / total
    return out


@njit
def _within(chunk, r1, r2):
    near = 0
    far = 0
    for i in range(chunk.shape[0]):
        for j in range(chunk.shape[1]):
            if chunk[i, j] < r2:
                far += 1
                if chunk[i, j] < r1:
                    near += 1
    return near, far


@njit
def _mind_score(d, rho, k):
    total = len(rho) * np.log(k * d)
    for value in rho:
        total += (d - 1) * np.log(value) + (k - 1) * np.log(1 - value**d)
    return -total


@njit
def _lpca(x, index):
    n, k = index.shape
    d = x.shape[1]
    out = np.empty(n)
    points = np.empty((k, d))
    for q in range(n):
        for j in range(d):
            mean = 0.0
            for i in range(k):
                points[i, j] = x[index[q, i], j]
                mean += points[i, j]
            mean /= k
            for i in range(k):
                points[i, j] -= mean
        values = np.linalg.eigvalsh(points.T @ points)
        out[q] = np.sum(values > 0.05 * values[-1])
    return out


def neighbours(x, k):
    return NearestNeighbors(n_neighbors=k, n_jobs=1).fit(x).kneighbors()


def two_nn(x):
    return _two_nn(neighbours(x, 2)[0], 0.1)


def mle(x):
    return _mle(neighbours(x, 20)[0])


def corr_int(x):
    dists = neighbours(x, 20)[0]
    r1, r2 = np.median(dists[:, 9]), np.median(dists[:, 19])
    near = far = -len(x)
    for chunk in pairwise_distances_chunked(x):
        a, b = _within(chunk, r1, r2)
        near += a
        far += b
    return np.log(far / near) / np.log(r2 / r1)


def mind(x):
    dists = neighbours(x, 21)[0]
    rho = dists[:, 0] / dists[:, 20]
    return minimize_scalar(_mind_score, bounds=(0.1, x.shape[1]), args=(rho, 20), method="bounded", options={"xatol": 1e-10}).x


def lpca(x):
    return _lpca(x, neighbours(x, 100)[1])


def lpca_global(x):
    values = PCA().fit(x).explained_variance_
    return np.sum(values > 0.05 * values[0])


def search(x, k):
    return neighbours(x, k)[0]


WORK = {"twoNn": two_nn, "mle": mle, "corrInt": corr_int, "mind": mind, "lpca": lpca, "lpcaGlobal": lpca_global}


def library(name):
    """scikit-dimension's own estimator of a whole set, or None where it is not installed."""
    try:
        from skdim import id as skdim
    except ImportError:
        return None
    make = {
        "twoNn": lambda x: skdim.TwoNN().fit(x).dimension_,
        "mle": lambda x: skdim.MLE().fit_transform_pw(x, n_neighbors=20),
        "corrInt": lambda x: skdim.CorrInt().fit(x).dimension_,
        "mind": lambda x: skdim.MiND_ML(k=20, D=x.shape[1]).fit(x).dimension_,
        "lpca": lambda x: skdim.lPCA().fit_transform_pw(x, n_neighbors=100),
        "lpcaGlobal": lambda x: skdim.lPCA().fit(x).dimension_,
    }
    return make.get(name)


def prepare(points: str, estimator: str, k: int):
    x = np.load(points).astype(np.float64)
    found = None if estimator == "search" else library(estimator)
    run = found or (lambda x: search(x, k) if estimator == "search" else WORK[estimator](x))

    def work():
        with threadpool_limits(1):
            return run(x)

    work()
    name = "scikit-learn" if estimator == "search" else "scikit-dimension" if found else "numba + scikit-learn stand-in for scikit-dimension (which was not installed)"
    return {"peer": name}, work, lambda value: {"lid": np.ravel(value).tolist() if estimator != "search" else np.ravel(value)[:: max(1, np.size(value) // 1000)].tolist()}
