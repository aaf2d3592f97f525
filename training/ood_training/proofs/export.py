"""Both of PyTorch's exporters, with a free batch axis N and the weights inside the file."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

#: Operator sets: what each exporter writes by default or at most.
OPSETS = {"dynamo": 20, "script": 17, "dynamo23": 23}


def export(
    model: nn.Module, feeds: Sequence[Tensor], path: Path, *, exporter: str, inputs: Sequence[str],
    outputs: Sequence[str], opset: int | None = None,
) -> onnx.ModelProto:
    """Writes the model and returns it read back. Paths of this machine in the exporter's notes are removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = {"input_names": list(inputs), "output_names": list(outputs), "opset_version": opset or OPSETS[exporter]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if exporter.startswith("dynamo"):
            free = torch.export.Dim("N", min=1, max=1024)
            shapes = tuple({0: free} for _ in feeds)
            torch.onnx.export(
                model, tuple(feeds), str(path), dynamo=True, dynamic_shapes=shapes, external_data=False,
                verbose=False, **names,
            )
        else:
            axes = {name: {0: "N"} for name in [*inputs, *outputs]}
            # The exporter knows no fused attention outside of scaled_dot_product_attention itself.
            with sdpa_kernel(SDPBackend.MATH):
                torch.backends.mha.set_fastpath_enabled(False)
                torch.onnx.export(model, tuple(feeds), str(path), dynamo=False, dynamic_axes=axes, **names)
    graph = onnx.load(path)
    strip(graph)
    onnx.save(graph, path)
    return graph


def strip(model: onnx.ModelProto) -> None:
    """Removes stack traces and notes: they are long and name files of the machine that exported."""
    model.doc_string = ""
    del model.metadata_props[:]
    graphs = [model.graph, *model.functions]
    while graphs:
        graph = graphs.pop()
        graph.doc_string = ""
        del graph.metadata_props[:]
        for value in [*getattr(graph, "initializer", [])]:
            value.doc_string = ""
            del value.metadata_props[:]
        for value in [*getattr(graph, "value_info", []), *graph.input, *graph.output]:
            if isinstance(value, onnx.ValueInfoProto):
                value.doc_string = ""
                del value.metadata_props[:]
        for node in graph.node:
            node.doc_string = ""
            del node.metadata_props[:]
            for attribute in node.attribute:
                graphs += [attribute.g] if attribute.type == onnx.AttributeProto.GRAPH else []
                graphs += list(attribute.graphs)
