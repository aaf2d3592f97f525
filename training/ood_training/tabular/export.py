"""Export a tabular run as a checkpoint folder: `python -m ood_training.tabular.export RUN_FOLDER OUT_FOLDER`.

Flows: encode.onnx (x [N, D] -> z, logdet) and decode.onnx (z -> x). Diffusions: score.onnx (x, t -> net). There is no
preprocessing: the points are what the models take.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..diffusion import export as diffusion
from ..export import OPSET, graph_entry, hardware, load_ema, revision, session, sha256
from ..flows import Flow
from ..fold import FoldedFlow
from ..graph import save_graph
from .config import Points
from .data import as_rows, read_points


class Encoder(nn.Module):
    def __init__(self, folded: FoldedFlow) -> None:
        super().__init__()
        self.folded = folded

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.folded.encode(x[:, :, None, None])


class Decoder(nn.Module):
    def __init__(self, folded: FoldedFlow) -> None:
        super().__init__()
        self.folded = folded

    def forward(self, z: Tensor) -> Tensor:
        return self.folded.decode(z).reshape(-1, self.folded.dim)


def write_flow_graphs(flow: Flow, folder: Path) -> None:
    folded, d = FoldedFlow(flow), flow.dim
    generator = torch.Generator().manual_seed(0)
    save_graph(Encoder(folded), torch.randn(2, d, generator=generator), folder / "encode.onnx", ["x"], ["z", "logdet"], OPSET)
    save_graph(Decoder(folded), torch.randn(2, d, generator=generator), folder / "decode.onnx", ["z"], ["x"], OPSET)


@torch.no_grad()
def compare_flow(folder: Path, flow: Flow, x: Tensor) -> dict:
    """Both graphs against PyTorch on rows x, the round trip, and a second batch size."""
    encode, decode = session(folder / "encode.onnx"), session(folder / "decode.onnx")
    z, logdet = flow.encode(x[:, :, None, None])
    got_z, got_logdet = encode.run(["z", "logdet"], {"x": x.numpy()})
    (got_x,) = decode.run(["x"], {"z": z.numpy()})
    (back,) = decode.run(["x"], {"z": got_z})
    (one,) = decode.run(["x"], {"z": z[:1].numpy()})
    want_x = flow.decode(z).reshape(len(x), -1).numpy()

    def worst(got: np.ndarray, want: np.ndarray) -> float:
        return float(np.abs(got - want).max())

    return {
        "rows": len(x), "z": worst(got_z, z.numpy()), "logdet": worst(got_logdet, logdet.numpy()),
        "x": worst(got_x, want_x), "xSingle": worst(one, want_x[:1]), "roundTrip": worst(back, x.numpy()),
    }


def data_entry(points: Points, rows: np.ndarray) -> dict:
    low, high = float(np.floor(rows.min())), float(np.ceil(rows.max()))
    return {"dataset": points.manifold, "shape": [rows.shape[1]], "valueRange": [low, high], "dtype": "float32"}


def export_flow(checkpoint: Path, folder: Path, points: Points, noise: float, rows: tuple[np.ndarray, np.ndarray]) -> dict:
    flow, config, record = load_ema(checkpoint)
    d = flow.dim
    write_flow_graphs(flow, folder)
    check = torch.from_numpy(rows[1])
    noisy = check + noise * torch.randn(check.shape, generator=torch.Generator().manual_seed(777))
    with torch.no_grad():
        log_prob = flow.log_prob(as_rows(noisy)[0])
    entry = {
        "schemaVersion": 1, "kind": "flow", "name": config.name,
        "graphs": {
            "encode": graph_entry(folder, "encode.onnx", {"x": ["N", d]}, {"z": ["N", d], "logdet": ["N"]}),
            "decode": graph_entry(folder, "decode.onnx", {"z": ["N", d]}, {"x": ["N", d]}),
        },
        "data": data_entry(points, rows[0]), "preprocessing": [], "latentShape": [d], "base": "standard-normal",
        "model": flow.config.to_dict(),
        "training": {
            "config": config.to_dict(), "points": vars(points), "noise": noise, "seed": config.seed,
            "steps": record["step"], "epochs": round(record["step"] * config.batch / len(rows[0]), 2),
            "wallTimeSeconds": round(record["elapsed"]), "hardware": hardware(), "parameters": flow.parameter_count(),
            "weights": "ema", "gitRevision": revision(), "torch": torch.__version__.split("+")[0],
        },
        "metrics": {
            "logProb": {"validation": float(log_prob.mean())}, "rows": len(check),
            "export": compare_flow(folder, flow, check[:64]),
        },
        "sha256": {file: sha256(folder / file) for file in ("encode.onnx", "decode.onnx")},
    }
    (folder / "manifest.json").write_text(json.dumps(entry, indent=2) + "\n")
    return entry


def export_diffusion(checkpoint: Path, folder: Path, points: Points, rows: tuple[np.ndarray, np.ndarray]) -> dict:
    net, config, record = diffusion.load_ema(checkpoint)
    diffusion.write_graph(net, config.net.shape, folder / diffusion.FILE)
    check = torch.from_numpy(rows[1])
    return diffusion.write_checkpoint(
        net, config, folder, data=data_entry(points, rows[0]), preprocessing=[],
        training={
            "points": vars(points), "steps": record["step"],
            "epochs": round(record["step"] * config.batch / len(rows[0]), 2), "wallTimeSeconds": round(record["elapsed"]),
        },
        metrics={
            "validation": diffusion.evaluate(net, check, config.times, config.weighting),
            "export": diffusion.compare(folder / diffusion.FILE, net, check[:63]),
        },
    )


def export_run(run: Path, folder: Path, which: str = "last", rows: tuple[np.ndarray, np.ndarray] | None = None) -> dict:
    recorded = json.loads((run / "points.json").read_text())
    noise = recorded.pop("noise")
    points = Points(**recorded)
    rows = rows or read_points(points, run.parent)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = run / f"{which}.ckpt"
    state = torch.load(checkpoint, map_location="cpu", weights_only=False)
    if "flow" in state["ood"]["config"]:
        return export_flow(checkpoint, folder, points, noise, rows)
    return export_diffusion(checkpoint, folder, points, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--which", default="last", help="best or last")
    args = parser.parse_args()
    torch.set_num_threads(1)
    entry = export_run(args.run, args.out, args.which)
    for role, graph in entry["graphs"].items():
        print(role, f"{(args.out / graph['file']).stat().st_size / 1e6:.2f} MB", graph["operators"])
    print(json.dumps(entry["metrics"], indent=1))


if __name__ == "__main__":
    main()
