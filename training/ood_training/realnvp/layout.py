"""What a manifest says of a flow's inside: its layers in order, with the names of every coupling's maps in encode.onnx."""

from __future__ import annotations

import math

from .coupling import Coupling
from .flow import ReferenceFlow, Split, Squeeze
from .glow import FoldedLinear


def inner_names(index: int) -> tuple[str, str, str]:
    """Values of encode.onnx that coupling `index` gives: s, t, and its whole output y."""
    return f"coupling.{index}.s", f"coupling.{index}.t", f"coupling.{index}.y"


def layers(flow: ReferenceFlow) -> list[dict]:
    """The layers of a folded flow. `shape` is a row in front of the layer."""
    listed, index = [], 0
    for layer, shape in zip(flow.layers, flow.shapes, strict=False):
        entry: dict = {"shape": list(shape)}
        if isinstance(layer, Coupling):
            entry = {"type": "coupling", "name": f"coupling.{index}", **entry, "mask": layer.mask.to_dict()}
            index += 1
        elif isinstance(layer, Squeeze):
            entry = {"type": "squeeze", **entry}
        elif isinstance(layer, Split):
            entry = {"type": "split", **entry, "keep": layer.keep}
        elif isinstance(layer, FoldedLinear):
            entry = {"type": "linear", **entry}
        else:
            raise TypeError(f"layout: expected a folded flow, got a {type(layer).__name__}")
        listed.append(entry)
    return listed


def latents(flow: ReferenceFlow) -> list[dict]:
    """Which numbers of z each scale holds, in order: `from`..`to - 1` are a tensor of `shape`."""
    found, start = [], 0
    for layer, shape in zip(flow.layers, flow.shapes, strict=False):
        if isinstance(layer, Split):
            left = (shape[0] - layer.keep, *shape[1:])
            found.append({"from": start, "to": start + math.prod(left), "shape": list(left)})
            start += math.prod(left)
    return [*found, {"from": start, "to": flow.dim, "shape": list(flow.shapes[-1])}]
