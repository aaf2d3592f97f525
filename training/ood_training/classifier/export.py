"""Export a classifier: `python -m ood_training.classifier.export RUN_FOLDER OUT_FOLDER [--features FOLDER]`.

logits.onnx (x in [0, 1] -> logits, features) and manifest.json. `--features` also writes `<set>_features_<split>.npz`
with `embeddings` and `labels`, the files flows of features are trained on.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from ..data.idx import read_images, read_labels
from ..export import OPSET, graph_entry, hardware, revision, session, sha256
from ..graph import save_graph
from ..saved import load_run
from .config import ClassifierConfig
from .network import Classifier, outputs

PREPROCESSING = [{"name": "unit", "levels": 256}]


def load_classifier(checkpoint: Path) -> tuple[Classifier, ClassifierConfig, dict]:
    """The averaged classifier, its configuration and the checkpoint's record of the run."""
    def build(config: ClassifierConfig) -> Classifier:
        return Classifier(config.shape, config.widths, config.features, config.classes)

    return load_run(checkpoint, ClassifierConfig.from_dict, build)


def write_features(net: Classifier, names: list[str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        for split in ("train", "test"):
            pixels = torch.from_numpy(read_images(name, split).copy())
            _, features = outputs(net, pixels)
            labels = read_labels(name, split)
            np.savez(folder / f"{name}_features_{split}.npz", embeddings=features.numpy(), labels=labels)


def export_run(checkpoint: Path, folder: Path, test: tuple[np.ndarray, np.ndarray] | None = None) -> dict:
    net, config, record = load_classifier(checkpoint)
    images, labels = test or (read_images(config.dataset, "test"), read_labels(config.dataset, "test"))
    folder.mkdir(parents=True, exist_ok=True)
    folded = net.folded()
    save_graph(folded, torch.rand(2, *config.shape), folder / "logits.onnx", ["x"], ["logits", "features"], OPSET)
    pixels = torch.from_numpy(images.copy())
    logits, features = outputs(net, pixels)
    some = pixels[:64].float().numpy() / 255
    got = session(folder / "logits.onnx").run(["logits", "features"], {"x": some})
    errors = {
        name: float(np.abs(a - b[: len(a)].numpy()).max())
        for name, a, b in zip(("logits", "features"), got, (logits, features), strict=True)
    }
    accuracy = float((logits.argmax(1).numpy() == labels).mean())
    shape = list(config.shape)
    entry = {
        "schemaVersion": 1, "kind": "classifier", "name": config.name,
        "graphs": {"logits": graph_entry(
            folder, "logits.onnx", {"x": ["N", *shape]},
            {"logits": ["N", config.classes], "features": ["N", config.features]},
        )},
        "data": {"dataset": config.dataset, "shape": shape, "valueRange": [0, 255], "dtype": "uint8"},
        "preprocessing": PREPROCESSING,
        "training": {
            "config": config.to_dict(), "seed": config.seed, "steps": record["step"],
            "wallTimeSeconds": round(record["elapsed"]), "hardware": hardware(),
            "parameters": sum(p.numel() for p in net.parameters()), "weights": "ema", "gitRevision": revision(),
            "torch": torch.__version__.split("+")[0],
        },
        "metrics": {"accuracy": {"test": accuracy}, "rows": len(labels), "export": errors},
        "sha256": {"logits.onnx": sha256(folder / "logits.onnx")},
    }
    (folder / "manifest.json").write_text(json.dumps(entry, indent=2) + "\n")
    return entry


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--which", default="last", help="best or last")
    parser.add_argument("--features", type=Path, help="folder for the features of --sets")
    parser.add_argument("--sets", nargs="*", default=["fashion-mnist", "mnist"])
    args = parser.parse_args()
    torch.set_num_threads(1)
    checkpoint = args.run / f"{args.which}.ckpt"
    print(json.dumps(export_run(checkpoint, args.out)["metrics"], indent=1))
    if args.features:
        write_features(load_classifier(checkpoint)[0], args.sets, args.features)


if __name__ == "__main__":
    main()
