"""Tables of two classes: one is learned, the other is out of distribution (paper, appendix K).

`hepmass0`, `hepmass1`, `miniboone0`, `miniboone1` read the public files, `breast-cancer0` and `breast-cancer1` the copy
that comes with scikit-learn. The digit says which class is learned; `<task>:other` is the other one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..data.idx import data_dir

#: (train, test) of class 0 and of class 1.
Classes = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

#: a HEPMASS feature whose smallest value repeats more often than this is left out: it is no density.
MOST_REPEATS = 5


def find(folder: Path, *names: str) -> Path:
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.exists():
                return path
    raise FileNotFoundError(f"{folder}: expected {' or '.join(names)}, found neither it nor its .gz")


def read_hepmass(folder: Path) -> Classes:
    """Label, then features, with a header; the test file's last column has no counterpart in the training file."""
    tables = []
    for name in ("1000_train.csv", "1000_test.csv"):
        path = find(folder, name)
        tables.append(np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.float32, ndmin=2))
    train, test = tables
    if test.shape[1] == train.shape[1] + 1:
        test = test[:, :-1]
    if test.shape[1] != train.shape[1]:
        raise ValueError(f"{folder}: expected as many columns in both files, got {train.shape[1]} and {test.shape[1]}")
    smallest = (train[:, 1:] == train[:, 1:].min(axis=0)).sum(axis=0)
    kept = np.flatnonzero(smallest <= MOST_REPEATS) + 1
    if len(kept) < 2:
        raise ValueError(f"{folder}: expected at least 2 continuous features, got {len(kept)}")
    return tuple((train[train[:, 0] == label][:, kept], test[test[:, 0] == label][:, kept]) for label in (0, 1))


def read_miniboone(folder: Path) -> Classes:
    """`MiniBooNE_PID.txt`: a line with the counts of signal and background, then signal rows, then background rows.

    Background is class 0. Both are cut to the smaller count and split 90 / 10.
    """
    path = find(folder, "MiniBooNE_PID.txt")
    with open(path) as file:
        counts = file.readline().split()
    rows = np.loadtxt(path, skiprows=1, dtype=np.float32, ndmin=2)
    if len(counts) != 2 or sum(map(int, counts)) != len(rows):
        raise ValueError(f"{path.name}: expected two counts that add up to {len(rows)} rows, got {' '.join(counts)}")
    signal, background = rows[: int(counts[0])], rows[int(counts[0]) :]
    count = min(len(signal), len(background))
    return tuple(split(part[:count]) for part in (background, signal))


def split(rows: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """90 % to train on and 10 % to test on, at random."""
    order = np.random.RandomState(seed).permutation(len(rows))
    cut = int(0.9 * len(rows))
    return rows[order[:cut]], rows[order[cut:]]


def read_breast_cancer(_: Path | None = None) -> Classes:
    """569 tumours with 30 measurements: class 0 is malignant, class 1 benign; a quarter of each is for testing."""
    from sklearn.datasets import load_breast_cancer

    rows, labels = load_breast_cancer(return_X_y=True)
    classes = []
    for label in (0, 1):
        of_class = rows[labels == label].astype(np.float32)
        order = np.random.RandomState(0).permutation(len(of_class))
        # A tenth of so few rows would say little.
        cut = len(of_class) * 3 // 4
        classes.append((of_class[order[:cut]], of_class[order[cut:]]))
    return tuple(classes)


READERS: dict[str, tuple[Callable[[Path], Classes], bool]] = {
    "hepmass": (read_hepmass, True), "miniboone": (read_miniboone, True), "breast-cancer": (read_breast_cancer, False),
}


def is_task(name: str) -> bool:
    return name.split(":")[0].rstrip("01") in READERS


def read_task(name: str) -> tuple[np.ndarray, np.ndarray]:
    """(train, test) rows [N, D], float32, not standardised."""
    task, _, part = name.partition(":")
    base, learned = task.rstrip("01"), task[-1]
    if base not in READERS or learned not in "01" or part not in ("", "other"):
        tasks = ", ".join(f"{known}{label}" for known in READERS for label in (0, 1))
        raise ValueError(f"table: expected one of {tasks}, with :other for the class that is not learned, got {name}")
    reader, files = READERS[base]
    classes = reader(data_dir() / base if files else None)
    return classes[int(learned) if not part else 1 - int(learned)]
