"""Independent values of the model-free dimension estimators, for the tests of @ood/lid.

    python -m ood_training.lid_oracles

writes packages/lid/test/model-free/oracles.json: a small sample and what each estimator gives on it, computed here
straight from the papers with numpy and scipy: distances by cdist, maxima by scalar optimisation of the likelihood
itself, divergences by quadrature, Minka's evidence by scikit-learn. Nothing is shared with the TypeScript.
"""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from scipy.spatial.distance import cdist
from scipy.special import betaln, i0e, i1e, lambertw
from sklearn.decomposition import PCA

OUT = Path(__file__).parents[2] / "packages/lid/test/model-free/oracles.json"
K = 12


def sample() -> np.ndarray:
    """80 points of a curved 3-d patch in 6-d with a little noise, rounded so that JSON holds them exactly."""
    rng = np.random.default_rng(20240607)
    u = rng.uniform(-1, 1, (80, 3))
    curve = np.column_stack([u, 0.3 * u[:, 0] ** 2, 0.2 * np.sin(2 * u[:, 1]), 0.1 * u[:, 2] * u[:, 0]])
    return np.round(curve + 0.01 * rng.standard_normal(curve.shape), 5)


def neighbours(x: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    d = cdist(x, x)
    np.fill_diagonal(d, np.inf)
    order = np.argsort(d, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(d, order, axis=1), order


def tle(centre: np.ndarray, near: np.ndarray) -> float:
    """Amsaleg et al. 2019, one measurement at a time: the ball through x_i, tangent from inside, along each direction."""
    u = np.linalg.norm(near - centre, axis=1)
    r = u[-1]

    def measurement(i: int, q: np.ndarray) -> float:
        # Homothetic ball: the s with |q - c_s| = s, c_s = x_i + (s / r)(centre - x_i), by its quadratic equation.
        a = near[i] - q
        b = (centre - near[i]) / r
        # |a + s b|^2 = s^2  ->  s^2 (1 - b.b) - 2 s a.b - a.a = 0, the positive root
        qa, qb, qc = 1 - b @ b, -2 * (a @ b), -(a @ a)
        if abs(qa) < 1e-14:
            return -qc / qb
        return (-qb + np.sqrt(qb * qb - 4 * qa * qc)) / (2 * qa)

    total = 2 * np.sum(np.log(u / r))
    for i in range(len(near)):
        for j in range(len(near)):
            if i != j:
                total += np.log(measurement(i, near[j]) / r)
                total += np.log(measurement(i, 2 * centre - near[j]) / r)
    return -2 * len(near) ** 2 / total


def two_nn(mu: np.ndarray, discard: float, first: int) -> float:
    n = len(mu)
    kept = int(n * (1 - discard))
    x = np.log(np.sort(mu)[:kept])
    y = -np.log(1 - (np.arange(kept) + first) / n)
    return float(np.linalg.lstsq(x[:, None], y, rcond=None)[0][0])


def gride(mu: np.ndarray, n1: int, n2: int) -> float:
    def negative(log_d: float) -> float:
        d = np.exp(log_d)
        return -np.sum(
            np.log(d) + (n2 - n1 - 1) * np.log(mu**d - 1) - ((n2 - 1) * d + 1) * np.log(mu) - betaln(n2 - n1, n1)
        )

    return float(np.exp(minimize_scalar(negative, bounds=(-3, 4), method="bounded", options={"xatol": 1e-12}).x))


def mind(rho: np.ndarray, k: int, limit: int) -> dict[str, float]:
    def likelihood(d: float) -> float:
        return np.sum(np.log(k * d) + (d - 1) * np.log(rho) + (k - 1) * np.log(1 - rho**d))

    best = minimize_scalar(lambda d: -likelihood(d), bounds=(1e-3, limit), method="bounded", options={"xatol": 1e-12})
    return {"MLk": float(best.x), "MLi": int(np.argmax([likelihood(d) for d in range(1, limit + 1)]) + 1)}


def corr_int(x: np.ndarray, k1: int, k2: int) -> float:
    r, _ = neighbours(x, k2)
    r1, r2 = np.median(r[:, k1 - 1]), np.median(r[:, k2 - 1])
    pairs = cdist(x, x)[np.triu_indices(len(x), 1)]
    return float(np.log(np.sum(pairs < r2) / np.sum(pairs < r1)) / np.log(r2 / r1))


def mle_noise(r: np.ndarray, sigma: float) -> list[float]:
    """Haro, Randall and Sapiro 2008 with a Gaussian transition density: log R_j averaged over what it may stand for."""

    def mean_log(d: float) -> float:
        def density(t: float) -> float:
            return np.exp(-0.5 * ((d - t) / sigma) ** 2)

        low, high = max(0.0, d - 12 * sigma), d + 12 * sigma
        exact = {"epsabs": 1e-15, "epsrel": 1e-12, "limit": 500}
        return quad(lambda t: density(t) * np.log(t), low, high, **exact)[0] / quad(density, low, high, **exact)[0]

    return [float((len(row) - 1) / sum(np.log(row[-1]) - mean_log(d) for d in row[:-1])) for row in r]


def separability(x: np.ndarray, condition: float, alpha: float) -> list[float]:
    """Albergante et al. 2019: the share of points beyond each point's discriminant, on the whitened sphere."""
    pca = PCA().fit(x)
    kept = pca.explained_variance_ > pca.explained_variance_[0] / condition
    u = pca.transform(x)[:, kept] / np.sqrt(pca.explained_variance_[kept])
    u = u / np.linalg.norm(u, axis=1)[:, None]
    dots = u @ u.T
    np.fill_diagonal(dots, -1)
    return (np.sum(dots > alpha, axis=1) / len(x)).tolist()


def corr_scales(x: np.ndarray, orders: list[int], gap: int) -> dict[str, list[float]]:
    r, _ = neighbours(x, orders[-1])
    radii = [float(np.median(r[:, k - 1])) for k in orders]
    d = cdist(x, x)[np.triu_indices(len(x), 1 + gap)]
    return {"radii": radii, "pairs": [int(np.sum(d < radius)) for radius in radii]}


def angles(x: np.ndarray, k: int) -> dict[str, float]:
    r, idx = neighbours(x, k + 1)
    rho = r[:, 0] / r[:, k]
    nus, etas = [], []
    for i in range(len(x)):
        v = x[idx[i, :k]] - x[i]
        v = v / np.linalg.norm(v, axis=1)[:, None]
        theta = np.arccos(np.clip((v @ v.T)[np.triu_indices(k, 1)], -1, 1))
        c, s = np.mean(np.cos(theta)), np.mean(np.sin(theta))
        nus.append(np.angle(c + 1j * s))
        etas.append(np.hypot(c, s))
    eta = np.mean(etas)
    if eta < 0.53:
        tau = 2 * eta + eta**3 + 5 * eta**5 / 6
    elif eta < 0.85:
        tau = -0.4 + 1.39 * eta + 0.43 / (1 - eta)
    else:
        tau = 1 / (eta**3 - 4 * eta**2 + 3 * eta)
    return {"norms": mind(rho, k, x.shape[1])["MLk"], "nu": float(np.mean(nus)), "tau": float(tau)}


def norm_kl(a: float, b: float, k: int) -> float:
    """KL divergence of the densities k d t^(d-1) (1 - t^d)^(k-1) by quadrature."""

    def log_density(t: float, d: float) -> float:
        return np.log(k * d) + (d - 1) * np.log(t) + (k - 1) * np.log1p(-(t**d))

    return quad(lambda t: np.exp(log_density(t, a)) * (log_density(t, a) - log_density(t, b)), 0, 1, epsabs=1e-13, limit=400)[0]


def angle_kl(nu1: float, tau1: float, nu2: float, tau2: float) -> float:
    def log_density(t: float, nu: float, tau: float) -> float:
        return tau * (np.cos(t - nu) - 1) - np.log(2 * np.pi * i0e(tau))

    def integrand(t: float) -> float:
        one = log_density(t, nu1, tau1)
        return np.exp(one) * (one - log_density(t, nu2, tau2))

    return quad(integrand, nu1 - np.pi, nu1 + np.pi, epsabs=1e-13, limit=400)[0]


def ess_value(points: np.ndarray, d: int) -> float:
    v = points - points.mean(axis=0)
    volumes, weights = 0.0, 0.0
    for group in combinations(range(len(v)), d + 1):
        a = v[list(group)]
        volumes += np.prod(np.linalg.svd(a, compute_uv=False))
        weights += np.prod(np.linalg.norm(a, axis=1))
    return volumes / weights


def graph_fit(sizes: list[int], lengths: list[list[float]], gamma: float, limit: int) -> int:
    residuals = []
    for m in range(1, limit + 1):
        a = np.repeat([p ** ((m - gamma) / m) for p in sizes], len(lengths[0]))
        y = np.ravel(lengths)
        residuals.append(np.sum((y - a * (a @ y) / (a @ a)) ** 2))
    return int(np.argmin(residuals) + 1)


def minka_cases() -> list[dict]:
    rng = np.random.default_rng(3)
    out = []
    for n, scales in [(50, [3, 2, 1, 0.1, 0.09, 0.11]), (200, [1, 1, 1, 1, 0.5]), (30, [5, 0.01, 0.01]), (40, [1] * 8)]:
        x = rng.standard_normal((n, len(scales))) * np.array(scales)
        pca = PCA().fit(x)
        out.append({"variances": pca.explained_variance_.tolist(), "samples": n, "dimension": int(PCA(n_components="mle").fit(x).n_components_)})
    return out


def main() -> None:
    x = sample()
    r, idx = neighbours(x, K + 1)
    r_k = r[:, :K]
    abid = []
    for i in range(len(x)):
        v = x[idx[i, :K]] - x[i]
        v = v / np.linalg.norm(v, axis=1)[:, None]
        abid.append(K**2 / np.sum((v.T @ v) ** 2))
    lengths_rng = np.random.default_rng(4)
    sizes = [20, 30, 40, 60]
    lengths = [[round(2.1 * p ** (2 / 3) * (1 + 0.01 * lengths_rng.standard_normal()), 6) for _ in range(3)] for p in sizes]
    within = np.array([two_nn(np.divide(*neighbours(x[idx[i, :K]], 2)[0].T[::-1]), 0.1, 1) for i in range(5)])
    values = {
        "generator": "python -m ood_training.lid_oracles",
        "X": x.tolist(),
        "k": K,
        "mom": (r_k.mean(axis=1) / (r_k[:, -1] - r_k.mean(axis=1))).tolist(),
        "mada": (np.log(2) / np.log(r[:, K - 1] / r[:, K // 2 - 1])).tolist(),
        "abid": abid,
        "mleNoise": {"sigma": 0.1, "lid": mle_noise(r_k, 0.1)},
        "separability": {"alpha": 0.8, "shares": separability(x, 10, 0.8)},
        "corrScales": {"orders": [4, 8, 16, 32], "gap": 5, **corr_scales(x, [4, 8, 16, 32], 5)},
        "tle": [tle(x[i], x[idx[i, :K]]) for i in range(len(x))],
        "twoNn": two_nn(r[:, 1] / r[:, 0], 0.1, 1),
        "twoNnCompat": two_nn(r[:, 1] / r[:, 0], 0.1, 0),
        "twoNnPointwise": within.tolist(),
        "gride": {f"{a},{b}": gride(r[:, b - 1] / r[:, a - 1], a, b) for a, b in [(1, 2), (2, 4), (1, 5), (4, 8)]},
        "mind": mind(r[:, 0] / r[:, 10], 10, 6),
        "corrInt": corr_int(x, 10, 20),
        "danco": angles(x, 10),
        "normDivergence": [[a, b, k, norm_kl(a, b, k)] for a, b, k in [(2, 3, 10), (5, 4.5, 10), (1, 8, 3), (3, 3, 10)]],
        "angleDivergence": [[*c, angle_kl(*c)] for c in [(1.5, 2.0, 1.6, 3.0), (0.3, 10, 1.2, 0.5), (1.5, 100, 1.5, 90)]],
        "bessel": [[t, float(np.log(i0e(t)) + t), float(i1e(t) / i0e(t))] for t in [0, 0.1, 1, 10, 29.9, 30.1, 100, 5000]],
        "lambertW": [[float(v), float(np.real(lambertw(v)))] for v in [1e-8, 0.01, 0.5, 1, 2.9, 3.1, 100, 1e10, 1e300]],
        "ess": {"2": ess_value(x[idx[0, :K]], 2), "1": ess_value(x[idx[0, :K]], 1)},
        "knnGraph": {"sizes": sizes, "lengths": lengths, "gamma": 1, "dimension": graph_fit(sizes, lengths, 1, 6)},
        "minka": minka_cases(),
    }
    OUT.write_text(json.dumps(values) + "\n")
    print(f"{OUT.name}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
