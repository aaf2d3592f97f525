"""An exported flow graph as a PyTorch function: one torch operator for each ONNX node.

The graph is the export of the training project's own module, so this runs the operators that module would run, minus
what the exporter folded away. Every operator is differentiable by torch.func. Attributes and shapes are resolved once,
here, so a call is a list of plain torch calls.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import Tensor

Step = tuple[Callable[..., object], tuple[str, ...], tuple[str, ...]]


def load(path: str) -> Callable[[Tensor], tuple[Tensor, ...]]:
    """The function from the graph's only input to its outputs."""
    graph = onnx.load(path).graph
    constants = {t.name: torch.from_numpy(np.array(numpy_helper.to_array(t))) for t in graph.initializer}
    (source,) = [value.name for value in graph.input]
    steps = [_step(node, constants) for node in graph.node]
    weights = {name: value for name, value in constants.items() if value.is_floating_point()}
    results = [value.name for value in graph.output]

    def run(x: Tensor) -> tuple[Tensor, ...]:
        values = dict(weights)
        values[source] = x
        for function, inputs, outputs in steps:
            value = function(*[values[name] for name in inputs])
            if len(outputs) == 1:
                values[outputs[0]] = value
            else:
                values.update(zip(outputs, value, strict=True))
        return tuple(values[name] for name in results)

    return run


def _step(node: onnx.NodeProto, constants: dict[str, Tensor]) -> Step:
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type not in OPERATORS:
        raise ValueError(f"{node.op_type}: expected one of {', '.join(OPERATORS)}")
    function, data_inputs = OPERATORS[node.op_type](attributes, [constants.get(name) for name in node.input])
    names = tuple(node.input) if data_inputs is None else tuple(node.input[:data_inputs])
    return function, names, tuple(node.output)


def _numbers(constant: Tensor | None) -> list[int]:
    assert constant is not None, "expected a constant"
    return [int(v) for v in constant.reshape(-1)]


def _conv(a, inputs):
    pads = list(a.get("pads", [0, 0, 0, 0]))
    assert pads[:2] == pads[2:] and a.get("auto_pad", b"NOTSET") == b"NOTSET", "expected symmetric padding"
    settings = {"stride": a["strides"], "padding": pads[:2], "dilation": a["dilations"], "groups": a["group"]}
    return (lambda x, w, b=None: F.conv2d(x, w, b, **settings)), None


def _gemm(a, inputs):
    plain = a.get("alpha", 1) == 1 and a.get("beta", 1) == 1 and not a.get("transA", 0) and a.get("transB", 0)
    assert plain, "expected x Wᵀ + b"
    return F.linear, None


def _reshape(a, inputs):
    shape = _numbers(inputs[1])
    return (lambda x: x.reshape(shape)), 1


def _slice(a, inputs):
    (start,), (end,), (axis,) = (_numbers(inputs[i]) for i in (1, 2, 3))
    assert len(inputs) < 5 or _numbers(inputs[4]) == [1], "expected steps of 1"

    def cut(x: Tensor) -> Tensor:
        size = x.shape[axis]
        first = start + size if start < 0 else start
        last = end + size if end < 0 else min(end, size)
        return x.narrow(axis, first, last - first)

    return cut, 1


def _clip(a, inputs):
    low, high = (float(v) if v is not None else None for v in inputs[1:3])
    return (lambda x: torch.clamp(x, low, high)), 1


def _split(a, inputs):
    if len(inputs) > 1 and inputs[1] is not None:
        sizes = _numbers(inputs[1])
        return (lambda x: torch.split(x, sizes, dim=a["axis"])), 1
    return (lambda x: torch.chunk(x, a["num_outputs"], dim=a["axis"])), 1


def _reduce_sum(a, inputs):
    axes = _numbers(inputs[1])
    return (lambda x: x.sum(dim=axes, keepdim=bool(a.get("keepdims", 1)))), 1


OPERATORS = {
    "Add": lambda a, _: (torch.add, None),
    "Sub": lambda a, _: (torch.sub, None),
    "Mul": lambda a, _: (torch.mul, None),
    "Div": lambda a, _: (torch.div, None),
    "Relu": lambda a, _: (torch.relu, None),
    "Sigmoid": lambda a, _: (torch.sigmoid, None),
    "Log": lambda a, _: (torch.log, None),
    "Exp": lambda a, _: (torch.exp, None),
    "Neg": lambda a, _: (torch.neg, None),
    "Tanh": lambda a, _: (torch.tanh, None),
    "Concat": lambda a, _: ((lambda *x: torch.cat(x, dim=a["axis"])), None),
    "Transpose": lambda a, _: ((lambda x: x.permute(a["perm"])), None),
    "Conv": _conv,
    "Gemm": _gemm,
    "Reshape": _reshape,
    "Slice": _slice,
    "Clip": _clip,
    "Split": _split,
    "ReduceSum": _reduce_sum,
}
