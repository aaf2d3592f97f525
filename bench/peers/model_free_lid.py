"""Pointwise model-free dimensions: scikit-dimension where it is installed, else a stand-in of the same shape.

The stand-in is numpy, scipy and scikit-learn, written from the estimators' definitions the way scikit-dimension runs
them: one neighbour search (`NearestNeighbors`), then a Python loop over points with the work of each in arrays. lPCA,
TwoNN and FisherS, which scikit-dimension can spread over processes (`n_jobs`), get one process a thread; the loops of
MLE, ESS and TLE are serial there, and here.
"""

from __future__ import annotations

from itertools import combinations
from multiprocessing import get_context

import numpy as np
from scipy.spatial.distance import pdist, squareform
from scipy.special import gamma, lambertw
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

ALPHAS = np.arange(0.6, 1, 0.02)


def lpca(points, _):
    variances = PCA().fit(points).explained_variance_
    return np.sum(variances > 0.05 * variances[0])


def two_nn(points, _):
    n = len(points)
    order = np.sort(pairwise_distances(points), axis=1)
    kept = int(n * 0.9)
    mu = np.sort(order[:, 2] / order[:, 1])[:kept]
    share = np.arange(kept) / n
    fit = LinearRegression(fit_intercept=False).fit(np.log(mu)[:, None], -np.log(1 - share)[:, None])
    return fit.coef_[0][0]


def fisher(points, _):
    pca = PCA()
    scores = pca.fit_transform(points - points.mean(axis=0))
    kept = pca.explained_variance_ / pca.explained_variance_[0] > 0.1
    x = scores[:, kept]
    x = x / np.std(x, axis=0, ddof=1)
    x = x / np.sqrt(np.sum(x**2, axis=1))[:, None]
    xy = x @ x.T
    xy = xy - np.diag(np.diag(xy))
    bins = np.digitize(xy, ALPHAS)
    counts = np.array([np.sum(bins > a, axis=1) for a in range(len(ALPHAS))])
    p = np.mean(counts / len(x), axis=1)
    dims = np.full(len(ALPHAS), np.nan)
    for a, alpha in enumerate(ALPHAS):
        if p[a] > 0:
            w = np.log(1 - alpha**2)
            dims[a] = np.real(lambertw(-w / (2 * np.pi * p[a] ** 2 * alpha**2 * (1 - alpha**2)))) / -w
    valid = np.flatnonzero(~np.isnan(dims))
    if len(valid) == 0:
        return np.inf
    wanted = 0.9 * ALPHAS[valid[-1]]
    return dims[valid[np.argmin(np.abs(ALPHAS[valid] - wanted))]]


def ess(points, _):
    vectors = points - points.mean(axis=0)
    groups = [vectors[list(pair)] for pair in combinations(range(len(points)), 2)]
    weights = np.prod([np.sqrt(np.sum(group**2, axis=1)) for group in groups], axis=1)
    volumes = np.sqrt(np.abs([np.linalg.det(group.dot(group.T)) for group in groups]))
    value = np.sum(volumes) / np.sum(weights)
    n = np.arange(1, 201)
    reference = np.exp(2 * np.log(gamma(n / 2)) - np.log(gamma((n + 1) / 2)) - np.log(gamma(np.maximum((n - 1) / 2, 1e-300))))
    reference[0] = 0
    return np.interp(value, reference, n)


def tle(points, dists):
    r = dists[-1]
    k = len(dists)
    v = squareform(pdist(points))
    di = np.tile(dists[:, None], (1, k))
    dj = di.T
    z2 = 2 * di**2 + 2 * dj**2 - v**2
    with np.errstate(divide="ignore", invalid="ignore"):
        def measure(q):
            b = di**2 + q - dj**2
            return r * (np.sqrt(b**2 + 4 * q * (r**2 - di**2)) - b) / (2 * (r**2 - di**2))
        s, t = measure(v**2), measure(z2)
        last = dists == r
        s[last] = r * v[last] ** 2 / (r**2 + v[last] ** 2 - dj[last] ** 2)
        t[last] = r * z2[last] / (r**2 + z2[last] - dj[last] ** 2)
    np.fill_diagonal(s, r)
    np.fill_diagonal(t, r)
    return -2 * k**2 / (np.sum(np.log(s / r)) + np.sum(np.log(t / r)) + 2 * np.sum(np.log(dists / r)))


def mle(_, dists):
    return (len(dists) - 1) / np.sum(np.log(dists[-1] / dists))


ESTIMATORS = {"lpca": lpca, "twoNn": two_nn, "fisher": fisher, "ess": ess, "tle": tle, "mle": mle}
SPREAD = ("lpca", "twoNn", "fisher")


def library(name):
    """scikit-dimension's own estimator of one neighbourhood, or None where it is not installed."""
    try:
        from skdim import id as skdim
    except ImportError:
        return None
    make = {"lpca": skdim.lPCA, "twoNn": skdim.TwoNN, "fisher": skdim.FisherS, "ess": skdim.ESS, "tle": skdim.TLE, "mle": skdim.MLE}
    one = make[name]()
    if name in SPREAD:
        return lambda points, dists: np.ravel(one.fit(points).dimension_)[0]
    if name == "ess":
        return lambda points, dists: one.fit_once(points).dimension_
    if name == "tle":
        return lambda points, dists: one._idtle(points, dists[None])
    return lambda points, dists: one._fit(dists, 0)


def _one(arguments):
    name, points, dists = arguments
    with threadpool_limits(1):
        return (library(name) or ESTIMATORS[name])(points, dists)


def prepare(images: str, estimator: str, k: int, queries: int, threads: int):
    x = np.load(images).astype(np.float64)
    found = library(estimator)

    def work() -> np.ndarray:
        with threadpool_limits(threads):
            search = NearestNeighbors(n_neighbors=k, n_jobs=threads).fit(x)
            if queries == len(x):
                dists, index = search.kneighbors()
            else:  # one more, the point itself comes first
                dists, index = (found_[:, 1:] for found_ in search.kneighbors(x[:queries], n_neighbors=k + 1))
            if estimator in SPREAD and threads > 1:
                with get_context("fork").Pool(threads) as pool:
                    return np.array(pool.map(_one, [(estimator, x[i], d) for i, d in zip(index, dists)]))
            one = found or ESTIMATORS[estimator]
            return np.array([one(x[i], d) for i, d in zip(index, dists)])

    name = "scikit-dimension" if found else "numpy + scikit-learn stand-in for scikit-dimension (which was not installed)"
    return {"peer": name}, work, lambda value: {"lid": [float(v) if np.isfinite(v) else None for v in value]}
