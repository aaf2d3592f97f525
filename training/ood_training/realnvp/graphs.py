"""encode.onnx and decode.onnx of a flow, with the maps of every coupling as named values inside encode.onnx."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from ..graph import save_graph
from .coupling import Coupled
from .flow import ReferenceFlow
from .layout import inner_names

OPSET = 18


class Encoder(nn.Module):
    """x -> z, logdet, and s, t, y of every coupling."""

    def __init__(self, flow: ReferenceFlow) -> None:
        super().__init__()
        self.flow = flow

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        inner: list[Tensor] = []

        def keep(result: Coupled) -> None:
            inner.extend((result.s, result.t, result.y))

        z, logdet = self.flow.walk(x, visit=keep)
        # A value that is also an output keeps that output's name: the last coupling's y would be z.
        return z, logdet, *inner


class Decoder(nn.Module):
    def __init__(self, flow: ReferenceFlow) -> None:
        super().__init__()
        self.flow = flow

    def forward(self, z: Tensor) -> Tensor:
        return self.flow.decode(z)


def hide(model: onnx.ModelProto, kept: list[str]) -> None:
    """Outputs other than `kept` become values inside the graph, under the names they have."""
    outputs = [output for output in model.graph.output if output.name in kept]
    del model.graph.output[:]
    model.graph.output.extend(outputs)


def write_graphs(folded: ReferenceFlow, folder: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, *folded.config.shape, generator=generator)
    z = torch.randn(2, folded.dim, generator=generator)
    names = [name for index in range(len(folded.couplings)) for name in inner_names(index)]
    save_graph(
        Encoder(folded), x, folder / "encode.onnx", ["x"], ["z", "logdet", *names], OPSET,
        rewrite=lambda model: hide(model, ["z", "logdet"]),
    )
    save_graph(Decoder(folded), z, folder / "decode.onnx", ["z"], ["x"], OPSET)
