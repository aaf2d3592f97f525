"""PixelCNN++ layer by layer: masks, causality, padding, size, initialisation, dropout and L2, with tiny networks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ood_training.autoregressive import pixelcnn
from ood_training.autoregressive.config import PixelCnnRun
from ood_training.autoregressive.layers import CausalConv, Window, windows
from ood_training.autoregressive.module import PixelCnnModule
from ood_training.autoregressive.pixelcnn import PixelCnn, PixelCnnConfig

FIELDS = [(3, 3), (3, 5), (4, 5), (5, 7)]

#: name in the vectors -> name of the window.
MASKS = {
    "initial_vertical": "first_vertical", "initial_horizontal_up": "first_up", "initial_horizontal_left": "first_left",
    "resnet_vertical": "vertical", "resnet_horizontal": "horizontal",
    "down_vertical": "down_vertical", "down_horizontal": "down_horizontal",
    "up_vertical": "up_vertical", "up_horizontal": "up_horizontal",
}


def tiny(**changes: object) -> PixelCnnConfig:
    values = {"shape": (1, 8, 8), "resnets": 1, "hierarchies": 2, "filters": 4, "components": 2, "dropout": 0.0, **changes}
    return PixelCnnConfig.from_dict(values)


def network(**changes: object) -> PixelCnn:
    torch.manual_seed(0)
    return PixelCnn(tiny(**changes)).double().eval()


def pixels(count: int, *shape: int, seed: int = 1) -> Tensor:
    return torch.randint(0, 256, (count, *shape), generator=torch.Generator().manual_seed(seed)).double()


@pytest.mark.parametrize("field", FIELDS)
def test_windows_are_the_masks_of_the_vectors(field: tuple[int, int], vectors: Callable[[str], dict]) -> None:
    expected = vectors("llr-flows-ncis/pixelcnn_masks.json")["masks"][str(list(field))]
    found = windows(field)
    assert set(expected) == {"valid_dims", *MASKS} and set(MASKS.values()) == set(found)
    for theirs, ours in MASKS.items():
        assert found[ours].mask().int().tolist() == expected[theirs], theirs
    for stack, used in expected["valid_dims"].items():
        assert list(found[stack].used) == used


def dependence(net: PixelCnn, condition: Tensor | None = None) -> Tensor:
    """[P, P] of booleans: whether the parameters at raster position p move with the pixel (any channel) at q."""
    c, h, w = net.config.shape
    x = net.scale(pixels(1, c, h, w)).requires_grad_()
    outputs = [value.reshape(-1, h * w) for value in net(x, condition).values()]
    out = torch.cat(outputs)
    # Random weights, so that no two influences on one position can cancel.
    weights = torch.rand(out.shape, generator=torch.Generator().manual_seed(2), dtype=out.dtype) + 0.5
    each = (out * weights).sum(0)
    rows = [torch.autograd.grad(value, x, retain_graph=True)[0].abs().sum((0, 1)).flatten() for value in each]
    return torch.stack(rows) > 0


def assert_causal(depends: Tensor) -> None:
    assert not torch.triu(depends).any(), f"position {torch.triu(depends).nonzero()[0].tolist()} sees itself or a later pixel"


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("field", "hierarchies"), [((3, 3), 1), ((3, 3), 2), ((3, 3), 3), ((3, 5), 2), ((4, 5), 2), ((5, 7), 2)])
def test_parameters_depend_on_earlier_pixels_only(field: tuple[int, int], hierarchies: int, channels: int) -> None:
    side = 8 if hierarchies < 3 else 12
    depends = dependence(network(shape=(channels, side, side), field=field, hierarchies=hierarchies))
    assert_causal(depends)
    p = torch.arange(side * side)
    row, column = p // side, p % side
    # The nearest earlier pixels are seen everywhere: to the left, above, and on both diagonals above.
    assert depends[p[column > 0], p[column > 0] - 1].all()
    assert depends[p[row > 0], p[row > 0] - side].all()
    both = (row > 0) & (column > 0)
    assert depends[p[both], p[both] - side - 1].all()
    right = (row > 0) & (column < side - 1)
    assert depends[p[right], p[right] - side + 1].all()
    # Resolution levels widen the view: from the last position almost the whole image is seen.
    if hierarchies == 3:
        assert depends[-1, :-1].float().mean() > 0.9


def test_conditional_network_is_causal_and_uses_its_condition() -> None:
    net = network(condition=(3, 2))
    condition = torch.rand(1, 3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3)).requires_grad_()
    assert_causal(dependence(net, condition))
    x = net.scale(pixels(1, 1, 8, 8))
    out = net(x, condition)["locations"]
    for value in out.sum((0, 1, 2)).flatten():
        (slope,) = torch.autograd.grad(value, condition, retain_graph=True)
        assert slope.abs().min() > 0


def test_the_causality_check_notices_one_wrong_column(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first "left" convolution that reaches the current column must be caught, or the checks above prove nothing."""
    def leaky(field: tuple[int, int]) -> dict[str, Window]:
        return {**windows(field), "first_left": Window((3, field[1]), (0, 1), (0, field[1] // 2))}

    monkeypatch.setattr(pixelcnn, "windows", leaky)
    with pytest.raises(AssertionError, match="sees itself"):
        assert_causal(dependence(network()))


def same_convolution(x: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """Correlation of x [B, I, H, W] with kernel [O, I, R, K] under TensorFlow's SAME rule, one kernel entry at a time."""
    r, k = kernel.shape[2:]
    out_h, out_w = -(-x.shape[2] // stride), -(-x.shape[3] // stride)
    total_h = max((out_h - 1) * stride + r - x.shape[2], 0)
    total_w = max((out_w - 1) * stride + k - x.shape[3], 0)
    padded = x.new_zeros(x.shape[0], x.shape[1], x.shape[2] + total_h, x.shape[3] + total_w)
    padded[:, :, total_h // 2 : total_h // 2 + x.shape[2], total_w // 2 : total_w // 2 + x.shape[3]] = x
    out = x.new_zeros(x.shape[0], kernel.shape[0], out_h, out_w)
    for i in range(r):
        for j in range(k):
            seen = padded[:, :, i : i + (out_h - 1) * stride + 1 : stride, j : j + (out_w - 1) * stride + 1 : stride]
            out = out + torch.einsum("oi,bihw->bohw", kernel[:, :, i, j], seen)
    return out


def whole_kernel(conv: CausalConv) -> Tensor:
    """The stored rectangle put back into a kernel of zeros, at the mask's ones."""
    weight = conv.weight()
    full = weight.new_zeros(*weight.shape[:2], *conv.window.size)
    full[:, :, conv.window.mask().bool()] = weight.flatten(2)
    return full


@pytest.mark.parametrize("size", [(6, 6), (7, 7), (7, 10), (3, 2)])
@pytest.mark.parametrize("field", FIELDS)
def test_cropped_convolution_equals_the_masked_one(field: tuple[int, int], size: tuple[int, int]) -> None:
    torch.manual_seed(4)
    for name, window in windows(field).items():
        transposed = name.startswith("up_")
        conv = CausalConv(2, 3, window, transposed=transposed).double()
        torch.nn.init.normal_(conv.bias)
        x = torch.randn(2, 2, *size, dtype=torch.float64)
        if transposed:
            # By definition the adjoint of the strided convolution that maps the doubled image back to x.
            doubled = torch.zeros(2, 3, size[0] * 2, size[1] * 2, dtype=torch.float64, requires_grad=True)
            (want,) = torch.autograd.grad(same_convolution(doubled, whole_kernel(conv), 2), doubled, x)
        else:
            want = same_convolution(x, whole_kernel(conv), window.stride)
        # float64 sums of some tens of terms of order one.
        torch.testing.assert_close(conv(x), want + conv.bias[:, None, None], rtol=1e-12, atol=1e-12, msg=name)


@pytest.mark.parametrize(("config", "count"), [
    (PixelCnnConfig(hierarchies=2, filters=32, components=1), 2_467_270),
    (PixelCnnConfig(), 94_196_380),
    (PixelCnnConfig(shape=(3, 28, 28)), 94_218_280),
])
def test_parameter_counts_of_the_specification(config: PixelCnnConfig, count: int) -> None:
    with torch.device("meta"):
        net = PixelCnn(config)
    assert net.reference_parameters() == count
    assert sum(p.numel() for p in net.parameters()) < count


@pytest.mark.parametrize("channels", [1, 3])
def test_data_dependent_initialisation_standardises_every_layer(channels: int) -> None:
    net = network(shape=(channels, 8, 8), dropout=0.5)
    data = pixels(16, channels, 8, 8)
    seen: dict[CausalConv, Tensor] = {}
    hooks = [conv.register_forward_hook(lambda module, _, out: seen.update({module: out})) for conv in net.convs()]
    net.initialize(data)
    seen.clear()
    net(net.scale(data))
    for hook in hooks:
        hook.remove()
    assert len(seen) == len(net.convs())
    for out in seen.values():
        # The formula adds 1e-10 to variances; the first ones are of order 1e-2.
        assert out.mean((0, 2, 3)).abs().max() < 1e-10
        assert (out.var((0, 2, 3), unbiased=False) - 1).abs().max() < 1e-6


def test_without_data_initialisation_the_kernel_is_its_direction() -> None:
    net = network(data_init=False)
    before = net.state_dict()
    net.initialize(pixels(4, 1, 8, 8))
    for conv in net.convs():
        torch.testing.assert_close(conv.weight(), conv.v)
        assert not conv.bias.any()
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_l2_adds_the_squared_directions_and_nothing_else() -> None:
    def module(l2: float) -> PixelCnnModule:
        return PixelCnnModule(PixelCnnRun(name="l2", dataset="synthetic", net=tiny(), l2=l2))

    plain, weighted = module(0.0), module(0.01)
    x = pixels(3, 1, 8, 8).float()
    squares = sum(float((conv.v.detach() ** 2).sum()) for conv in plain.net.convs())
    # Losses are hundreds of nats in float32.
    assert float(weighted.training_step(x, 0) - plain.training_step(x, 0)) == pytest.approx(0.01 * squares, abs=1e-3)


def test_dropout_acts_in_training_only() -> None:
    net = network(dropout=0.5)
    x = pixels(2, 1, 8, 8)
    assert torch.equal(net.log_prob(x), net.log_prob(x))
    net.train()
    assert not torch.equal(net.log_prob(x), net.log_prob(x))
    without = network(dropout=0.0).train()
    assert torch.equal(without.log_prob(x), without.log_prob(x))


@pytest.mark.parametrize(("activation", "wider"), [("concat_elu", 2), ("elu", 1), ("relu", 1)])
def test_activations(activation: str, wider: int) -> None:
    net = network(activation=activation)
    assert net.down_v[0][0].conv1.v.shape[1] == wider * net.config.filters
    assert torch.isfinite(net.log_prob(pixels(2, 1, 8, 8))).all()


@pytest.mark.parametrize(("changes", "message"), [
    ({"shape": (1, 10, 8), "hierarchies": 3}, "divisible by 4"),
    ({"field": (3, 4)}, "odd number of columns"),
    ({"field": (2, 3)}, "at least 3 rows"),
    ({"activation": "tanh"}, "net.activation"),
    ({"dependence": "linear"}, "net.dependence"),
])
def test_bad_configurations_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tiny(**changes)
