"""Whole flows: invertible, with the log-determinant autograd finds, folded and exported without change, maps by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from ood_training.export import session
from ood_training.graph import FORBIDDEN, multiplications
from ood_training.realnvp.config import ModelConfig, NetConfig
from ood_training.realnvp.coupling import Coupled
from ood_training.realnvp.export import compare, jacobian_logdet
from ood_training.realnvp.fixtures import models, random_flow
from ood_training.realnvp.graphs import write_graphs
from ood_training.realnvp.layout import inner_names, latents, layers
from ood_training.realnvp.variants import VARIANTS

SMALL = NetConfig("convnet", mid=4, blocks=0)
CONFIGS = {
    **models(),
    "bottleneck": ModelConfig("fixed", (1, 16, 16), NetConfig("autoencoder", latent=3, widths=(2, 2, 2, 2)), masks="small"),
    "old-bottleneck": ModelConfig("fixed", (1, 8, 8), NetConfig("autoencoder_old", latent=3), masks="small"),
    "old-bottleneck-odd": ModelConfig("fixed", (1, 14, 14), NetConfig("autoencoder_old", latent=3), masks="small"),
    "resnet_ae": ModelConfig("fixed", (1, 8, 8), NetConfig("resnet_ae", mid=2, blocks=2, latent=3), masks="small"),
    "glow_convnet": ModelConfig("glow", (1, 8, 8), NetConfig("glow_convnet", mid=4), couplings=1, multi_scale=False),
    "colour": ModelConfig("realnvp", (3, 8, 8), replace(SMALL, mid=2), scales=3),
    "tabular": ModelConfig("tabular", (7,), NetConfig(mid=8, blocks=1), couplings=3),
}
for _name in VARIANTS:
    _side = 16 if "centre" in _name else 8
    CONFIGS[_name] = ModelConfig("fixed", (1, _side, _side), SMALL, masks=_name)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_flow_is_invertible_folds_and_knows_its_log_determinant(name: str) -> None:
    flow = random_flow(CONFIGS[name])
    folded = flow.folded().double()
    flow = flow.double()
    x = torch.randn(3, *flow.config.shape, generator=torch.Generator().manual_seed(1)).double()
    with torch.no_grad():
        z, logdet = flow.encode(x)
        folded_z, folded_logdet = folded.encode(x)
        assert z.shape == (3, flow.dim) and logdet.shape == (3,)
        assert torch.allclose(flow.decode(z), x, atol=1e-8)
        assert torch.allclose(folded.decode(folded_z), x, atol=1e-8 if "glow" not in name else 1e-5)
        # Folded weights are rounded to float32 once.
        assert torch.allclose(folded_z, z, rtol=1e-4, atol=1e-4)
        assert torch.allclose(folded_logdet, logdet, rtol=1e-4, atol=1e-4)
    assert jacobian_logdet(flow, x)["error"] < 1e-8
    parts = latents(folded)
    assert parts[0]["from"] == 0 and parts[-1]["to"] == flow.dim
    assert all(a["to"] == b["from"] for a, b in zip(parts, parts[1:], strict=False))


@pytest.mark.parametrize("name", ["tiny-glow", "bottleneck", "tabular"])
def test_graphs_equal_the_flow_and_name_every_map(name: str, tmp_path: Path) -> None:
    flow = random_flow(CONFIGS[name])
    folded = flow.folded()
    write_graphs(folded, tmp_path)
    x = torch.randn(4, *flow.config.shape, generator=torch.Generator().manual_seed(2))
    errors = compare(tmp_path, flow, x)
    assert errors["encode"]["z"]["maxRelative"] < 1e-4
    assert errors["encode"]["logdet"]["maxRelative"] < 1e-4
    assert errors["decode"]["x"]["maxRelative"] < 1e-4
    assert errors["roundTrip"]["maxAbs"] < 1e-3

    graph = onnx.load(tmp_path / "encode.onnx")
    assert [output.name for output in graph.graph.output] == ["z", "logdet"]
    assert not {node.op_type for node in graph.graph.node} & (FORBIDDEN | {"Shape", "Expand", "BatchNormalization"})
    seen: list[Coupled] = []
    with torch.no_grad():
        folded.walk(x, visit=seen.append)
    names = [value for index in range(len(seen)) for value in inner_names(index)]
    for value in names:
        graph.graph.output.append(onnx.ValueInfoProto(name=value))
    onnx.save(graph, tmp_path / "inner.onnx")
    got = session(tmp_path / "inner.onnx").run(names, {"x": x.numpy()})
    want = [value.numpy() for result in seen for value in (result.s, result.t, result.y)]
    for value, a, b in zip(names, got, want, strict=True):
        assert a.shape == b.shape and np.allclose(a, b, atol=1e-4), value
    listed = layers(folded)
    assert [entry["name"] for entry in listed if entry["type"] == "coupling"] == [f"coupling.{k}" for k in range(len(seen))]


def test_multiplications_are_those_of_the_layers(tmp_path: Path) -> None:
    flow = random_flow(CONFIGS["bottleneck"]).folded()
    counted = 0

    def count(layer: nn.Module, given: tuple[torch.Tensor], out: torch.Tensor) -> None:
        nonlocal counted
        if isinstance(layer, nn.Conv2d):
            counted += out[0].numel() * layer.weight[0].numel()
        elif isinstance(layer, nn.ConvTranspose2d):
            counted += given[0][0].numel() * layer.weight[0].numel()
        elif isinstance(layer, nn.Linear):
            counted += layer.weight.numel()

    write_graphs(flow, tmp_path)
    for layer in flow.modules():
        layer.register_forward_hook(count)
    flow.encode(torch.zeros(1, *flow.config.shape))
    assert counted > 0
    assert multiplications(onnx.load(tmp_path / "encode.onnx")) == counted


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"family": "nice", "shape": (1, 8, 8)}, "family: expected one of realnvp, fixed, glow, tabular, got nice"),
        ({"family": "glow", "shape": (8,)}, r"shape: expected 3 numbers for glow, got \[8\]"),
        ({"family": "glow", "shape": (1, 8, 8), "net": NetConfig("mlp")}, "st: expected one of resnet, .*got mlp"),
    ],
)
def test_a_wrong_model_is_one_line(values: dict, line: str) -> None:
    with pytest.raises(ValueError, match=line):
        ModelConfig(**values)


@pytest.mark.parametrize(
    ("config", "line"),
    [
        (ModelConfig("realnvp", (1, 7, 8), SMALL), "squeeze: expected even height and width, got 7 x 8"),
        (ModelConfig("fixed", (1, 8, 8), SMALL, masks="spiral"), "masks: expected one of small, .*got spiral"),
        (ModelConfig("fixed", (1, 9, 9), SMALL, masks="sub-quadrant-cycle"), "expected tiles that divide 9 x 9, got 2"),
        (ModelConfig("fixed", (1, 9, 9), NetConfig("autoencoder"), masks="small"), "expected maps that survive"),
    ],
)
def test_a_flow_that_cannot_be_built_is_one_line(config: ModelConfig, line: str) -> None:
    with pytest.raises(ValueError, match=line):
        random_flow(config)
