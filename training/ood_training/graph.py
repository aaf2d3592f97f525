"""PyTorch module -> plain ONNX file: free batch axis, few operators, and a count of its multiplications."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper, shape_inference
from torch import Tensor, nn

FORBIDDEN = {"If", "Loop", "Scan", "NonZero", "SequenceConstruct"}


def save_graph(
    module: nn.Module, example: Tensor | tuple[Tensor, ...], path: Path, inputs: list[str], outputs: list[str], opset: int,
    rewrite: Callable[[onnx.ModelProto], None] | None = None,
) -> None:
    """Export `module` at `example` and write it with symbolic axis N first in every input and output.

    `rewrite` may change the graph before it is checked.
    """
    examples = example if isinstance(example, tuple) else (example,)
    batch = torch.export.Dim("N", min=1, max=2**20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module.eval(), examples, dynamo=True, input_names=inputs, output_names=outputs,
            dynamic_shapes=tuple({0: batch} for _ in examples), opset_version=opset, optimize=True, verbose=False,
        )
    model = strip(program.model_proto)
    if rewrite is not None:
        rewrite(model)
    used = {node.op_type for node in model.graph.node}
    if used & FORBIDDEN:
        raise ValueError(f"{path.name}: expected plain operators, got {sorted(used & FORBIDDEN)}")
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def strip(model: onnx.ModelProto) -> onnx.ModelProto:
    """Drop traces of the exporting machine (stack traces, doc strings) and shapes that can be inferred."""
    del model.metadata_props[:]
    model.doc_string = model.graph.doc_string = ""
    del model.graph.metadata_props[:]
    del model.graph.value_info[:]
    del model.functions[:]
    for item in [*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        del item.metadata_props[:]
        item.doc_string = ""
    return model


def merge_padding(model: onnx.ModelProto) -> None:
    """Zero padding in front of a convolution becomes the convolution's own; crops stay, since Conv cannot crop."""
    graph = model.graph
    constants = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    for pad in [node for node in graph.node if node.op_type == "Pad"]:
        amounts = constants.get(pad.input[1])
        value = constants.get(pad.input[2]) if len(pad.input) > 2 and pad.input[2] else 0
        mode = next((a.s for a in pad.attribute if a.name == "mode"), b"constant")
        users = readers.get(pad.output[0], [])
        plain = amounts is not None and len(amounts) == 8 and value is not None and not np.any(value) and mode == b"constant"
        if not plain or np.any(amounts < 0) or np.any(amounts[[0, 1, 4, 5]]) or len(pad.input) > 3:
            continue
        if not users or any(user.op_type != "Conv" or user.input[0] != pad.output[0] for user in users):
            continue
        for user in users:
            old = next((a for a in user.attribute if a.name == "pads"), None)
            before = list(old.ints) if old is not None else [0, 0, 0, 0]
            if old is not None:
                user.attribute.remove(old)
            more = [int(amounts[i]) for i in (2, 3, 6, 7)]
            user.attribute.append(helper.make_attribute("pads", [a + b for a, b in zip(before, more)]))
            user.input[0] = pad.input[0]
        graph.node.remove(pad)
    used = {name for node in graph.node for name in node.input}
    for item in [item for item in graph.initializer if item.name not in used]:
        graph.initializer.remove(item)


def multiplications(model: onnx.ModelProto) -> int:
    """Multiply-accumulates of Conv, ConvTranspose, Gemm and MatMul with a weight, for one row."""
    one = onnx.ModelProto()
    one.CopyFrom(model)
    # With the batch axis known, reshapes to computed sizes can be followed.
    for port in [*one.graph.input, *one.graph.output]:
        for dim in port.type.tensor_type.shape.dim:
            if dim.dim_param:
                dim.dim_value = 1
    inferred = shape_inference.infer_shapes(one, data_prop=True)
    shapes = {
        v.name: [d.dim_value or 1 for d in v.type.tensor_type.shape.dim]
        for v in [*inferred.graph.value_info, *inferred.graph.output, *inferred.graph.input]
    }
    weights = {w.name: list(w.dims) for w in model.graph.initializer}
    total = 0
    for node in inferred.graph.node:
        if node.op_type == "Conv":
            spatial = math.prod(shapes[node.output[0]][2:])
            total += spatial * math.prod(weights[node.input[1]])
        elif node.op_type == "ConvTranspose":
            # Every number of the input meets every weight of its channel.
            spatial = math.prod(shapes[node.input[0]][2:])
            total += spatial * math.prod(weights[node.input[1]])
        elif node.op_type in ("Gemm", "MatMul"):
            total += math.prod(weights.get(node.input[1], [0]))
    return total
