"""Image sets of the paper from their public files under OOD_DATA_DIR, as bytes [N, C, H, W] in their own sizes.

| name | folder | files |
|---|---|---|
| mnist, fashion-mnist | the same | the four IDX files |
| notmnist | notmnist | a folder a class, with pictures; the last tenth of each is the test set |
| cifar-10 | cifar-10 | `data_batch_1`..`5`, `test_batch` (the Python version) |
| svhn | svhn | `train_32x32.mat`, `test_32x32.mat` |
| celeba | celeba | `img_align_celeba/*.jpg`, `list_eval_partition.txt`; shorter side to 32, centre 32 x 32 |
| imagenet64 | imagenet64 | `train_data_batch_*`, `val_data` (pickled, [N, 3 * 64 * 64]) |
| npz:FILE | | arrays `train` and `test`, [N, C, H, W] or [N, H, W] of bytes |
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..data.idx import data_dir, read_images

Pair = tuple[np.ndarray, np.ndarray]


def _missing(path: Path) -> FileNotFoundError:
    return FileNotFoundError(f"{path.parent.name}: expected {path.name} under OOD_DATA_DIR, found none")


def _unpickle(path: Path) -> dict:
    if not path.exists():
        raise _missing(path)
    with open(path, "rb") as file:
        return pickle.load(file, encoding="latin1")


def read_cifar10(folder: Path) -> Pair:
    train = [_unpickle(folder / f"data_batch_{index}")["data"] for index in range(1, 6)]
    test = _unpickle(folder / "test_batch")["data"]
    return tuple(np.asarray(rows, np.uint8).reshape(-1, 3, 32, 32) for rows in (np.concatenate(train), test))


def read_svhn(folder: Path) -> Pair:
    from scipy.io import loadmat

    parts = []
    for split in ("train", "test"):
        path = folder / f"{split}_32x32.mat"
        if not path.exists():
            raise _missing(path)
        parts.append(np.ascontiguousarray(loadmat(path)["X"].transpose(3, 2, 0, 1)))
    return parts[0], parts[1]


def picture(path: Path, mode: str, size: int | None) -> np.ndarray:
    """[C, H, W] of a picture; with `size`, the shorter side is scaled to it and the centre cut out."""
    from PIL import Image

    image = Image.open(path).convert(mode)
    if size is not None:
        scale = size / min(image.size)
        image = image.resize([max(size, round(side * scale)) for side in image.size], Image.Resampling.BILINEAR)
        left, top = (image.width - size) // 2, (image.height - size) // 2
        image = image.crop((left, top, left + size, top + size))
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def read_celeba(folder: Path) -> Pair:
    """Training and test pictures of the official partition (0 and 2)."""
    listed = folder / "list_eval_partition.txt"
    if not listed.exists():
        raise _missing(listed)
    pairs = [line.split() for line in listed.read_text().splitlines() if line.strip()]
    splits = []
    for part in ("0", "2"):
        names = [name for name, partition in pairs if partition == part]
        splits.append(np.stack([picture(folder / "img_align_celeba" / name, "RGB", 32) for name in names]))
    return splits[0], splits[1]


def read_notmnist(folder: Path) -> Pair:
    """Grey pictures by class; files that are no picture (the public archive has two) are passed over."""
    train, test = [], []
    classes = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.exists() else []
    for each in classes:
        pictures = []
        for path in sorted(each.glob("*.png")):
            try:
                pictures.append(picture(path, "L", None))
            except OSError:
                continue
        cut = len(pictures) - len(pictures) // 10
        train += pictures[:cut]
        test += pictures[cut:]
    if not test:
        raise FileNotFoundError("notmnist: expected a folder a class with at least ten pictures, found none")
    return np.stack(train), np.stack(test)


def read_imagenet64(folder: Path) -> Pair:
    batches = sorted(folder.glob("train_data_batch_*"))
    if not batches:
        raise _missing(folder / "train_data_batch_1")
    train = np.concatenate([_unpickle(path)["data"] for path in batches])
    test = _unpickle(folder / "val_data")["data"]
    return tuple(np.asarray(rows, np.uint8).reshape(-1, 3, 64, 64) for rows in (train, test))


def read_npz(path: Path) -> Pair:
    with np.load(path) as arrays:
        if "train" not in arrays or "test" not in arrays:
            raise ValueError(f"{path.name}: expected arrays train and test, got {', '.join(arrays)}")
        parts = [arrays["train"], arrays["test"]]
    for part in parts:
        if part.dtype != np.uint8 or part.ndim not in (3, 4):
            raise ValueError(f"{path.name}: expected bytes [N, C, H, W], got {part.dtype} of rank {part.ndim}")
    return tuple(part[:, None] if part.ndim == 3 else part for part in parts)


def _idx(name: str) -> Callable[[Path], Pair]:
    return lambda _: (read_images(name, "train"), read_images(name, "test"))


IMAGES: dict[str, Callable[[Path], Pair]] = {
    "mnist": _idx("mnist"), "fashion-mnist": _idx("fashion-mnist"), "notmnist": read_notmnist, "cifar-10": read_cifar10,
    "svhn": read_svhn, "celeba": read_celeba, "imagenet64": read_imagenet64,
}


def read_image_set(name: str) -> Pair:
    """(train, test) bytes [N, C, H, W]."""
    if name.startswith("npz:"):
        return read_npz(Path(name.removeprefix("npz:")))
    return IMAGES[name](data_dir() / name)
