"""PyTorch module -> plain ONNX file: free batch axis, few operators, and a count of its multiplications."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import onnx
import torch
from onnx import shape_inference
from torch import Tensor, nn

FORBIDDEN = {"If", "Loop", "Scan", "NonZero", "SequenceConstruct"}


def save_graph(
    module: nn.Module, example: Tensor | tuple[Tensor, ...], path: Path, inputs: list[str], outputs: list[str], opset: int
) -> None:
    """Export `module` at `example` and write it with symbolic axis N first in every input and output."""
    examples = example if isinstance(example, tuple) else (example,)
    batch = torch.export.Dim("N", min=1, max=2**20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module.eval(), examples, dynamo=True, input_names=inputs, output_names=outputs,
            dynamic_shapes=tuple({0: batch} for _ in examples), opset_version=opset, optimize=True, verbose=False,
        )
    model = strip(program.model_proto)
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


def multiplications(model: onnx.ModelProto) -> int:
    """Multiply-accumulates of Conv, Gemm and MatMul with a weight, for one row."""
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
        elif node.op_type in ("Gemm", "MatMul"):
            total += math.prod(weights.get(node.input[1], [0]))
    return total
