"""PixelCNN++ end to end: training learns and resumes exactly; the exported graph is the trained network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from synthetic import images, weights

from ood_training.autoregressive.config import PixelCnnRun
from ood_training.autoregressive.data import PixelBatches, PixelData
from ood_training.autoregressive.export import export_run, load_ema, write_checkpoint, write_graph
from ood_training.autoregressive.module import PixelCnnModule
from ood_training.autoregressive.pixelcnn import PixelCnn, PixelCnnConfig
from ood_training.autoregressive.train import fit
from ood_training.data.mutation import Mutation
from ood_training.export import session, sha256

#: what weight norm would leave behind if it were not folded.
UNFOLDED = {"ReduceL2", "ReduceSumSquare", "ReduceSum", "Sqrt", "Pow", "Div", "Reciprocal"}


def net_config(**changes: object) -> PixelCnnConfig:
    values = {"shape": (1, 8, 8), "resnets": 1, "hierarchies": 2, "filters": 4, "components": 2, "dropout": 0.3, **changes}
    return PixelCnnConfig.from_dict(values)


def run_config(steps: int, mutation: Mutation | None = None, **changes: object) -> PixelCnnRun:
    values = {"batch": 16, "warmup": 1, "lr": 1e-3, "init_images": 16, "validation": 32, **changes}
    return PixelCnnRun(name="tiny", dataset="synthetic", net=net_config(), steps=steps, mutation=mutation, **values)


def train(folder: Path, run: PixelCnnRun, stop_at: int | None = None, **options: object) -> PixelCnnModule:
    limits = {} if stop_at is None else {"max_steps": stop_at}
    options = {"log_every": 1000, "validate_every": 1000, **options}
    return fit(run, PixelData(run, (images(64), images(32, seed=1))), folder, accelerator="cpu", devices=1, **limits, **options)


def test_resumed_run_equals_undisturbed_run(tmp_path: Path) -> None:
    """Crosses an epoch boundary (4 steps an epoch), with dropout and mutations, so order, masks and mutations must resume."""
    run = run_config(6, Mutation(0.2), l2=1e-3)
    whole = train(tmp_path / "whole", run)
    train(tmp_path / "cut", run, stop_at=3)
    resumed = train(tmp_path / "cut", run)
    assert resumed.global_step == 6
    assert torch.equal(weights(whole), weights(resumed))
    other = train(tmp_path / "other", run_config(6, Mutation(0.3), l2=1e-3))
    assert not torch.equal(weights(whole), weights(other))


def test_training_lowers_bits_per_dimension(tmp_path: Path) -> None:
    train(tmp_path / "long", run_config(60, lr=1e-2, ema=0.9), validate_every=30)
    held = torch.from_numpy(images(32, seed=9)).float()
    start = PixelCnnModule(run_config(1)).net
    start.initialize(held)
    trained = load_ema(tmp_path / "long" / "best.ckpt")[0]
    with torch.no_grad():
        gain = trained.log_prob(held).mean() - start.eval().log_prob(held).mean()
    # In nats of a 64-pixel image; half a nat a pixel is far beyond what the draw of 32 images could give.
    assert float(gain) > 32


def test_batches_are_a_function_of_the_step_and_ranks_do_not_overlap() -> None:
    rows = torch.arange(32).float().view(32, 1, 1, 1)
    run = run_config(1, batch=4)
    seen = [value for rank in range(2) for step in range(4) for value in PixelBatches(rows, run, 0, rank, 2).at(step).flatten().tolist()]
    assert sorted(seen) == list(range(32))
    mutated = run_config(1, Mutation(0.5), batch=4)
    at_six = PixelBatches(rows, mutated).at(6)
    assert torch.equal(next(iter(PixelBatches(rows, mutated, start=6))), at_six)
    assert not torch.equal(PixelBatches(rows, run).at(6), at_six)


def test_old_configurations_without_mutation_load() -> None:
    values = run_config(3).to_dict()
    del values["mutation"]
    assert PixelCnnRun.from_dict(values) == run_config(3)
    background = run_config(3, Mutation(0.1, "uniform"))
    assert PixelCnnRun.from_dict(json.loads(json.dumps(background.to_dict()))) == background


@pytest.mark.parametrize(
    "config",
    [net_config(), net_config(shape=(3, 8, 8), hierarchies=1), net_config(field=(4, 5), condition=(3,), activation="elu", shape=(1, 12, 8))],
    ids=["one-channel", "three-channels", "conditional"],
)
def test_graph_equals_pytorch_at_two_batch_sizes(config: PixelCnnConfig, tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = PixelCnn(config).eval()
    pixels = torch.randint(0, 256, (5, *config.shape)).float()
    condition = torch.randn(5, *config.condition) if config.condition else None
    net.initialize(pixels, condition)
    with torch.no_grad():
        # Away from the initialisation, so that the folded length is not the direction's own.
        for conv in net.convs():
            conv.v.mul_(torch.rand_like(conv.v) + 0.5)
    write_graph(net, tmp_path / "params.onnx")
    graph = session(tmp_path / "params.onnx")
    for rows in (5, 1):
        x = net.scale(pixels[:rows])
        feeds = {"x": x.numpy(), **({} if condition is None else {"condition": condition[:rows].numpy()})}
        with torch.no_grad():
            want = net(x, None if condition is None else condition[:rows])
        got = dict(zip([output.name for output in graph.get_outputs()], graph.run(None, feeds)))
        assert got.keys() == want.keys()
        for key, value in want.items():
            assert got[key].shape == value.shape
            # float32 against float32 with another order of sums; values are of order one to ten.
            np.testing.assert_allclose(got[key], value.numpy(), rtol=1e-4, atol=1e-4, err_msg=key)
    model = onnx.load(tmp_path / "params.onnx")
    operators = {node.op_type for node in model.graph.node}
    assert not operators & (UNFOLDED | {"Shape", "If", "Loop", "Dropout"}), operators
    # Crops are stored as small kernels: nothing multiplies by a mask.
    stored = {conv.v.shape for conv in net.convs()}
    kernels = {tuple(item.dims) for item in model.graph.initializer if len(item.dims) == 4 and max(item.dims[2:]) > 1}
    assert kernels <= {tuple(shape) for shape in stored}


def test_exported_folder_is_the_trained_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = train(tmp_path / "run", run_config(3, Mutation(0.2)), validate_every=3)
    monkeypatch.setattr("ood_training.autoregressive.export.train_validation", lambda *_: (images(64), images(32, seed=1)))
    entry = export_run(tmp_path / "run" / "last.ckpt", tmp_path / "out", test=0)
    assert json.loads((tmp_path / "out" / "manifest.json").read_text()) == entry
    assert entry["kind"] == "autoregressive" and entry["role"] == "background"
    assert entry["mutation"] == {"rate": 0.2, "kind": "categorical", "valueRange": [0, 255]}
    assert entry["mixture"] == {"name": "logistic", "components": 2, "low": 0, "high": 255, "channelDependence": "normalized"}
    assert [step["name"] for step in entry["preprocessing"]] == ["unit", "zero-center"]
    assert entry["graphs"]["params"]["outputs"] == {"logits": ["N", 2, 8, 8], "locations": ["N", 2, 1, 8, 8], "scales": ["N", 2, 1, 8, 8]}
    assert entry["sha256"] == {"params.onnx": sha256(tmp_path / "out" / "params.onnx")}
    assert entry["training"]["steps"] == 3 and entry["metrics"]["export"]["maxAbs"] < 1e-3

    # The averaged weights were exported, not the last ones.
    x = module.net.scale(torch.from_numpy(images(2, seed=3)).float())
    (logits,) = session(tmp_path / "out" / "params.onnx").run(["logits"], {"x": x.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(logits, module.ema.eval()(x)["logits"].numpy(), rtol=1e-4, atol=1e-4)
    assert not torch.equal(module.ema.head.v, module.net.head.v)


def test_semantic_and_conditional_manifests(tmp_path: Path) -> None:
    net = PixelCnn(net_config(shape=(3, 8, 8), condition=(2, 2), dependence="raw")).eval()
    write_graph(net, tmp_path / "params.onnx")
    entry = write_checkpoint(net, tmp_path, name="c", dataset="synthetic", mutation=None, training={}, metrics={})
    assert entry["role"] == "semantic" and entry["mutation"] is None and entry["conditionShape"] == [2, 2]
    assert entry["graphs"]["params"]["inputs"] == {"x": ["N", 3, 8, 8], "condition": ["N", 2, 2]}
    assert entry["graphs"]["params"]["outputs"]["coefficients"] == ["N", 2, 3, 8, 8]
    assert entry["mixture"]["channelDependence"] == "raw"
