"""Loaders on small files of the public layouts."""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path

import numpy as np
import pytest

from ood_training.realnvp.sources import read_rows


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OOD_DATA_DIR", str(tmp_path))
    return tmp_path


def table(path: Path, rows: np.ndarray, header: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [header, *(",".join(f"{value:.6g}" for value in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n")


def hepmass(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Label, five features of which the second is mostly 0 and the fourth repeats its smallest value five times."""
    rng = np.random.default_rng(0)
    train = np.column_stack([np.arange(40) % 2, rng.normal(size=(40, 5))])
    train[:20, 2] = -9
    train[3:8, 4] = -9
    test = np.column_stack([np.arange(10) % 2, rng.normal(size=(10, 5)), np.full(10, 750.0)])
    table(folder / "hepmass" / "1000_train.csv", train, "# label,f0,f1,f2,f3,f4")
    table(folder / "hepmass" / "1000_test.csv", test, "# label,f0,f1,f2,f3,f4,mass")
    return train, test


def test_hepmass(folder: Path) -> None:
    train, test = hepmass(folder)
    kept = [1, 3, 4, 5]
    rows = read_rows("hepmass0", 4)
    other = read_rows("hepmass0:other", 1)
    signal = read_rows("hepmass1", 1)
    want = train[train[:, 0] == 0][:, kept].astype(np.float32)
    assert np.allclose(np.concatenate([rows.train, rows.validation]), want, rtol=1e-5)
    assert len(rows.validation) == 4
    assert np.allclose(rows.test, test[test[:, 0] == 0][:, kept], rtol=1e-5)
    assert np.allclose(other.test, test[test[:, 0] == 1][:, kept], rtol=1e-5)
    assert np.array_equal(signal.test, other.test)


def test_hepmass_reads_packed_files_and_refuses_other_layouts(folder: Path) -> None:
    hepmass(folder)
    plain = folder / "hepmass" / "1000_train.csv"
    want = read_rows("hepmass1", 1).train
    with gzip.open(f"{plain}.gz", "wb") as file:
        file.write(plain.read_bytes())
    plain.unlink()
    assert np.array_equal(read_rows("hepmass1", 1).train, want)
    table(folder / "hepmass" / "1000_test.csv", np.zeros((3, 9)), "# label")
    with pytest.raises(ValueError, match="expected as many columns in both files, got 6 and 9"):
        read_rows("hepmass1", 1)


def miniboone(folder: Path, counts: str = "30 50") -> np.ndarray:
    rows = np.random.default_rng(1).normal(size=(80, 6)).astype(np.float32)
    (folder / "miniboone").mkdir(exist_ok=True)
    lines = [f"  {counts}", *("  ".join(f"{value:.6e}" for value in row) for row in rows)]
    (folder / "miniboone" / "MiniBooNE_PID.txt").write_text("\n".join(lines) + "\n")
    return rows


def test_miniboone(folder: Path) -> None:
    rows = miniboone(folder)
    background, signal = read_rows("miniboone0", 1), read_rows("miniboone1", 1)
    for read, part in ((background, rows[30:60]), (signal, rows[:30])):
        # Both cut to 30, split 27 to 3.
        assert len(read.train) == 26 and len(read.validation) == 1 and len(read.test) == 3
        together = np.concatenate([read.train, read.validation, read.test])
        assert np.allclose(np.sort(together, axis=0), np.sort(part, axis=0), rtol=1e-5)
    assert np.array_equal(read_rows("miniboone0:other", 1).test, signal.test)
    assert np.array_equal(read_rows("miniboone0", 1).train, background.train)


def test_miniboone_refuses_counts_that_do_not_add_up(folder: Path) -> None:
    miniboone(folder, "30 40")
    with pytest.raises(ValueError, match="expected two counts that add up to 80 rows, got 30 40"):
        read_rows("miniboone0", 1)


def test_breast_cancer() -> None:
    pytest.importorskip("sklearn")
    malignant, benign = read_rows("breast-cancer0", 24), read_rows("breast-cancer1", 36)
    assert [len(part) for part in (malignant.train, malignant.validation, malignant.test)] == [135, 24, 53]
    assert [len(part) for part in (benign.train, benign.validation, benign.test)] == [231, 36, 90]
    # Malignant tumours are larger.
    assert malignant.train[:, 0].mean() > benign.train[:, 0].mean() + 3


def test_features(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OOD_FEATURES_DIR", str(folder / "made"))
    (folder / "made").mkdir()
    rng = np.random.default_rng(2)
    want = {split: rng.normal(size=(8, 5)).astype(np.float32) for split in ("train", "test")}
    for split, values in want.items():
        np.savez(folder / "made" / f"x_features_{split}.npz", embeddings=values, labels=np.zeros(8))
    rows = read_rows("features:x", 2)
    assert np.array_equal(rows.train, want["train"][:6]) and np.array_equal(rows.test, want["test"])
    np.savez(folder / "made" / "y_features_train.npz", rows=want["train"])
    with pytest.raises(ValueError, match="y_features_train.npz: expected an array called embeddings, got rows"):
        read_rows("features:y", 1)
    with pytest.raises(FileNotFoundError, match="expected z_features_train.npz in OOD_FEATURES_DIR"):
        read_rows("features:z", 1)


def test_cifar10(folder: Path) -> None:
    (folder / "cifar-10").mkdir()
    data = np.random.default_rng(3).integers(0, 256, (12, 3072), dtype=np.uint8)
    for index in range(6):
        name = "test_batch" if index == 5 else f"data_batch_{index + 1}"
        (folder / "cifar-10" / name).write_bytes(pickle.dumps({"data": data[2 * index : 2 * index + 2], "labels": [0, 1]}))
    rows = read_rows("cifar-10", 2)
    assert rows.train.shape == (8, 3, 32, 32)
    # Red plane first, row by row.
    assert rows.test[1, 0, 0, 1] == data[11, 1] and rows.test[1, 2, 31, 31] == data[11, 3071]


def test_svhn(folder: Path) -> None:
    io = pytest.importorskip("scipy.io")
    (folder / "svhn").mkdir()
    data = np.random.default_rng(4).integers(0, 256, (32, 32, 3, 5), dtype=np.uint8)
    for split in ("train", "test"):
        io.savemat(folder / "svhn" / f"{split}_32x32.mat", {"X": data, "y": np.ones((5, 1))})
    rows = read_rows("svhn", 1)
    assert rows.test.shape == (5, 3, 32, 32) and rows.test[4, 2, 7, 9] == data[7, 9, 2, 4]


def test_celeba_is_scaled_and_cut(folder: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    pictures = folder / "celeba" / "img_align_celeba"
    pictures.mkdir(parents=True)
    lines = []
    for index, part in enumerate((0, 0, 1, 2)):
        # 178 x 218 in three bands: only the middle one survives the cut.
        pixels = np.zeros((218, 178, 3), np.uint8)
        pixels[20:198] = 40 * (index + 1)
        name = f"{index:06}.jpg"
        image.fromarray(pixels).save(pictures / name, quality=95)
        lines.append(f"{name} {part}")
    (folder / "celeba" / "list_eval_partition.txt").write_text("\n".join(lines) + "\n")
    rows = read_rows("celeba", 1)
    assert rows.train.shape == (1, 3, 32, 32) and rows.test.shape == (1, 3, 32, 32)
    assert abs(int(rows.test[0, 0, 16, 16]) - 160) <= 2 and abs(int(rows.test[0, 0, 2, 2]) - 160) <= 2


def test_notmnist_passes_over_broken_files(folder: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for letter in "AB":
        (folder / "notmnist" / letter).mkdir(parents=True)
        for index in range(20):
            pixels = np.full((28, 28), 10 * index, np.uint8)
            image.fromarray(pixels).save(folder / "notmnist" / letter / f"{index:02}.png")
    (folder / "notmnist" / "A" / "03.png").write_bytes(b"not a picture")
    rows = read_rows("notmnist", 1)
    assert len(rows.train) + len(rows.validation) == 36 and rows.test.shape == (3, 1, 28, 28)
    assert rows.test[0, 0, 0, 0] == 190


def test_imagenet64_and_npz(folder: Path) -> None:
    (folder / "imagenet64").mkdir()
    data = np.random.default_rng(5).integers(0, 256, (4, 3 * 64 * 64), dtype=np.uint8)
    for name in ("train_data_batch_1", "train_data_batch_2", "val_data"):
        (folder / "imagenet64" / name).write_bytes(pickle.dumps({"data": data}))
    rows = read_rows("imagenet64", 1)
    assert rows.train.shape == (7, 3, 64, 64) and rows.test[0, 1, 0, 0] == data[0, 4096]
    np.savez(folder / "own.npz", train=np.zeros((4, 9, 9), np.uint8), test=np.ones((2, 9, 9), np.uint8))
    rows = read_rows(f"npz:{folder / 'own.npz'}", 1)
    assert rows.train.shape == (3, 1, 9, 9) and rows.test.shape == (2, 1, 9, 9)
    np.savez(folder / "floats.npz", train=np.zeros((4, 9, 9)), test=np.ones((2, 9, 9)))
    with pytest.raises(ValueError, match="expected bytes .*got float64 of rank 3"):
        read_rows(f"npz:{folder / 'floats.npz'}", 1)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("cifar-11", "dataset: expected one of mnist, .*got cifar-11"),
        ("hepmass2", "dataset|table: expected one of"),
        ("hepmass0:rest", "table: expected one of hepmass0, .*got hepmass0:rest"),
        ("cifar-10", "cifar-10: expected data_batch_1 under OOD_DATA_DIR"),
        ("miniboone0", "expected MiniBooNE_PID.txt, found neither"),
        ("notmnist", "notmnist: expected a folder a class"),
    ],
)
def test_what_is_not_there_is_one_line(name: str, error: str, folder: Path) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=error):
        read_rows(name, 1)
