"""Masks, st-networks, chains and their sizes against golden vectors (spec llr-flows-ncis, flow_*) and published counts."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from ood_training.realnvp.config import ModelConfig, NetConfig
from ood_training.realnvp.coupling import Coupling
from ood_training.realnvp.flow import ReferenceFlow
from ood_training.realnvp.glow import ActNorm, InvertibleConv
from ood_training.realnvp.likelihood import auroc, bits_per_dim, inverse, log_likelihood, preprocess
from ood_training.realnvp.masks import Mask
from ood_training.realnvp.networks import ConvNet, Highway, ResNet
from ood_training.realnvp.objective import negative_loss
from ood_training.realnvp.run_config import anneal
from ood_training.flows.squeeze import squeeze, unsqueeze

Vectors = Callable[[str], dict]


def tensor(values: object) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


class Constant(nn.Module):
    """Stands for an st-network: the same s_raw and t for every input."""

    def __init__(self, s_raw: Tensor, t: Tensor) -> None:
        super().__init__()
        self.out = torch.cat([s_raw, t], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.out.expand(len(x), *self.out.shape[1:])


def coupling(mask: Mask, shape: tuple[int, ...], case: dict) -> Coupling:
    net = Constant(tensor(case["s_raw_before_tanh"]), tensor(case["t"]))
    layer = Coupling(mask, shape, net).double()
    with torch.no_grad():
        layer.rescale.weight_g.copy_(tensor(case["rescale"]))
    return layer


def mask_of(case: dict) -> Mask:
    kind = {"channelwise": "channel", "center": "centre"}.get(case["mask"], case["mask"])
    if kind == "quadrant":
        return Mask(kind, given=case["inp"], changed=case["out"])
    return Mask(kind, case["reverse"])


def test_masks(vectors: Vectors) -> None:
    values = vectors("llr-flows-ncis/flow_coupling_masks.json")
    x = tensor(values["x"])
    assert len(values["cases"]) == 11
    for case in values["cases"]:
        layer = coupling(mask_of(case), tuple(x.shape[1:]), case)
        y, logdet = layer(x)
        assert torch.allclose(y, tensor(case["expected_y"]), atol=1e-12), case["mask"]
        assert torch.allclose(logdet, tensor(case["expected_logdet"]), atol=1e-12)
        assert torch.allclose(layer.inverse(y), x, atol=1e-12)


def test_tabular_masks(vectors: Vectors) -> None:
    for case in vectors("llr-flows-ncis/flow_coupling_masks.json")["tabular_cases"]:
        x = tensor(case["x"])
        layer = coupling(Mask("tabular", case["reverse"]), (x.shape[1],), case)
        layer.net.out = torch.cat([tensor(case["s_raw_before_tanh"]), tensor(case["t"])], dim=1)
        assert torch.equal(layer.identity[0].double(), tensor(case["identity_mask"]))
        y, logdet = layer(x)
        assert torch.allclose(y, tensor(case["expected_y"]), atol=1e-12)
        assert torch.allclose(logdet, tensor(case["expected_logdet"]), atol=1e-12)


@pytest.mark.parametrize("tiles", [1, 2])
def test_quadrants_in_tiles_are_quadrants_of_each_tile(tiles: int) -> None:
    mask = Mask("quadrant", given=0, changed=1, tiles=tiles)
    net = nn.Conv2d(1, 2, 3, padding=1)
    layer = Coupling(mask, (1, 8, 8), net).double()
    x = torch.randn(3, 1, 8, 8, dtype=torch.float64)
    y, logdet = layer(x)
    single = Coupling(Mask("quadrant", given=0, changed=1), (1, 8 // tiles, 8 // tiles), net).double()
    total = torch.zeros(3, dtype=torch.float64)
    size = 8 // tiles
    for i in range(tiles):
        for j in range(tiles):
            cut = (..., slice(i * size, (i + 1) * size), slice(j * size, (j + 1) * size))
            want, change = single(x[cut])
            total += change
            assert torch.allclose(y[cut], want, atol=1e-12)
    assert torch.allclose(logdet, total, atol=1e-12)
    assert torch.allclose(layer.inverse(y), x, atol=1e-12)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_centre_mask_changes_the_border_or_the_box(reverse: bool) -> None:
    layer = Coupling(Mask("centre", reverse, margin=2), (1, 8, 8), nn.Conv2d(1, 2, 3, padding=1))
    box = torch.zeros(8, 8)
    box[2:6, 2:6] = 1
    assert torch.equal(layer.identity[0, 0], 1 - box if reverse else box)


def test_squeeze(vectors: Vectors) -> None:
    values = vectors("llr-flows-ncis/flow_squeeze.json")
    x = tensor(values["input"])
    assert torch.equal(squeeze(x, 2), tensor(values["expected"]))
    assert torch.equal(unsqueeze(squeeze(x, 2), 2), x)


def test_logit(vectors: Vectors) -> None:
    values = vectors("llr-flows-ncis/flow_logit_preprocess.json")
    pixels, noise = torch.tensor(values["x_uint8"]), tensor(values["u"])
    v, logdet = preprocess(pixels, noise)
    dim = pixels[0].numel()
    assert torch.allclose(v, tensor(values["expected_z"]), atol=1e-12)
    # The reference differentiates with respect to k / 255, not (k + u) / 256.
    assert torch.allclose(logdet + dim * math.log(255 / 256), tensor(values["expected_logdet"]), atol=1e-10)
    assert torch.allclose(inverse(v, compat=True), tensor(values["expected_reference_inverse"]), atol=1e-12)
    assert torch.allclose(inverse(v), tensor(values["expected_exact_inverse_v"]), atol=1e-12)


def test_multiscale_skeleton(vectors: Vectors) -> None:
    values = vectors("llr-flows-ncis/flow_realnvp_multiscale_skeleton.json")
    flow = ReferenceFlow(ModelConfig("realnvp", (1, 4, 4), NetConfig(mid=2, blocks=1))).double()
    names = {"channelwise": "channel"}
    listed = values["coupling_sequence_[mask,reverse,input_shape]"]
    shapes = [shape for layer, shape in zip(flow.layers, flow.shapes, strict=False) if isinstance(layer, Coupling)]
    for layer, shape, (kind, reverse, want) in zip(flow.couplings, shapes, listed, strict=True):
        assert layer.mask == Mask(names.get(kind, kind), reverse)
        assert list(shape) == want[1:]
    for layer, constants in zip(flow.couplings, values["constants"], strict=True):
        layer.net = Constant(tensor(constants["s_raw"]), tensor(constants["t"]))
    v, logit_logdet = preprocess(torch.tensor(values["x_uint8"]), tensor(values["u"]))
    z, logdet = flow.encode(v)
    assert torch.allclose(z, tensor(values["expected_latent"]), atol=1e-12)
    total = logdet + logit_logdet + 16 * math.log(255 / 256)
    assert torch.allclose(total, tensor(values["expected_logdet"]), atol=1e-10)
    ll = log_likelihood(flow.log_prob(v), logit_logdet, 16, exact_discrete=False)
    assert torch.allclose(ll, tensor(values["expected_log_likelihood"]), atol=1e-9)
    assert torch.allclose(bits_per_dim(ll, 16), tensor(values["expected_bits_per_dim"]), atol=1e-10)
    back = inverse(flow.decode(z), compat=True)
    assert torch.allclose(back, tensor(values["expected_reference_inverse_of_latent"]), atol=1e-12)


def test_actnorm_and_convolution(vectors: Vectors) -> None:
    values = vectors("llr-flows-ncis/flow_glow_actnorm_conv1x1.json")
    x = tensor(values["x"])
    norm, conv = ActNorm(4, values["actnorm_scale"]).double(), InvertibleConv(4).double()
    norm.initialize(x)
    y, logdet = norm(x)
    assert torch.allclose(norm.bias.flatten(), tensor(values["expected_bias"]), atol=1e-12)
    assert torch.allclose(norm.logs.flatten(), tensor(values["expected_logs"]), atol=1e-12)
    assert torch.allclose(y, tensor(values["expected_actnorm_out"]), atol=1e-12)
    assert logdet.item() == pytest.approx(values["expected_actnorm_logdet"], abs=1e-10)
    with torch.no_grad():
        conv.weight.copy_(tensor(values["W"]))
    turned, logdet = conv(y)
    assert torch.allclose(turned, tensor(values["expected_conv_out"]), atol=1e-12)
    assert logdet.item() == pytest.approx(values["expected_conv_logdet"], abs=1e-12)
    assert torch.allclose(norm.inverse(conv.inverse(turned)), x, atol=1e-12)


TINY = NetConfig(mid=2, blocks=1)
NETWORKS = {
    "highway": lambda: Highway(1, TINY),
    "convnet": lambda: ConvNet(1, TINY),
    "resnet_nobn": lambda: ResNet(1, NetConfig(mid=2, blocks=1, batch_norm=False), False, (3, 3), False),
    "resnet_bn_eval_double": lambda: ResNet(1, TINY, True, (3, 3), False),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_st_networks(name: str, vectors: Vectors) -> None:
    values = vectors("llr-flows-ncis/flow_st_networks.json")
    case = values[name]
    net = NETWORKS[name]().double().eval()
    weights = {key.replace(".conv.", "."): tensor(value) for key, value in case["weights_NCHW_OIHW"].items()}
    loaded = net.load_state_dict(weights, strict=False)
    assert not loaded.unexpected_keys
    assert all(key.endswith("num_batches_tracked") for key in loaded.missing_keys)
    assert torch.allclose(net(tensor(values["x"])), tensor(case["expected_out_[s_raw,t]"]), atol=1e-12)


def test_negative_loss(vectors: Vectors) -> None:
    for case in vectors("llr-flows-ncis/flow_negative_training_loss.json")["cases"]:
        loss, kept = negative_loss(tensor(case["nll_in"]), tensor(case["nll_ood"]), case["negative_val"])
        assert loss.item() == pytest.approx(case["expected_loss"], rel=1e-12)
        assert kept == case["expected_kept_ood"]


def test_annealing(vectors: Vectors) -> None:
    for case in vectors("llr-flows-ncis/flow_lr_schedule.json")["cases"]:
        assert anneal(case["epoch"] / 100) == case["expected_factor"]


def test_bits_per_dim_and_auroc(vectors: Vectors) -> None:
    values = vectors("llr-flows-ncis/flow_bpd_auroc_hist.json")
    for case in values["bpd"]:
        assert bits_per_dim(tensor([-case["nll_nats"]]), case["D"]).item() == pytest.approx(case["expected_bpd"], rel=1e-12)
    inside, outside = tensor(values["ll_in"]), tensor(values["ll_ood"])
    assert auroc(inside, outside) == pytest.approx(values["expected_auroc_in_positive_by_loglik"], abs=1e-12)
    assert auroc(tensor([1.0, 2.0]), tensor([1.0, 2.0])) == 0.5


def _image(**values: object) -> Callable[[], ModelConfig]:
    net = NetConfig(**values.pop("net", {}))
    return lambda: ModelConfig(**{"family": "realnvp", "shape": (1, 28, 28), **values}, net=net)


HIGHWAY = {"st": "highway", "blocks": 3}
PUBLISHED = [
    (14_707_336, _image(net={"blocks": 6})),
    (13_749_444, _image(net={"st": "highway", "blocks": 6})),
    (6_893_862, _image(net={"st": "convnet", "blocks": 6})),
    (182_788, _image(net={"st": "glow_convnet", "blocks": 6})),
    (6_574_508, _image(net={"st": "autoencoder"})),
    (79_359_216, _image(net={"st": "resnet_ae", "blocks": 6})),
    (87_859_080, _image(shape=(3, 32, 32), scales=3)),
    (5_063_744, _image(family="fixed", masks="cycle")),
    (5_063_744, _image(family="fixed", masks="checkerboard-8")),
    (5_063_744, _image(family="fixed", masks="horizontal")),
    (1_898_904, _image(family="fixed", masks="horizontal-3")),
    (69_378_048, _image(family="glow", couplings=16, net={**HIGHWAY, "mid": 200})),
    (208_932_480, _image(family="glow", shape=(3, 32, 32), scales=3, net={**HIGHWAY, "mid": 400})),
    (11_595_776, _image(family="tabular", shape=(1792,), net={"mid": 256, "blocks": 1})),
    (837_184, _image(family="tabular", shape=(50,), net={"mid": 256, "blocks": 1})),
    (621_024, _image(family="tabular", shape=(15,), net={"mid": 256, "blocks": 1})),
]


@pytest.mark.parametrize(("count", "config"), PUBLISHED)
def test_parameter_counts_at_published_sizes(count: int, config: Callable[[], ModelConfig]) -> None:
    # On the meta device nothing is allocated; mask buffers do not count.
    with torch.device("meta"):
        flow = ReferenceFlow(config())
    assert flow.parameter_count() == count
