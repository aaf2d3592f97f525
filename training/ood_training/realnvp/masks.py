"""Coupling masks: which part of a tensor conditions a coupling and which part it changes.

A mask is an identity part b and a changed part c of the same shape, 0 or 1. Parts that are in neither pass unchanged.
Channel masks are contiguous halves and are cut, not multiplied, so they carry no tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Mask:
    """What a coupling conditions on. `kind` is one of `KINDS`."""

    kind: str
    #: swaps the identity and the changed part; quadrants say it by `given` and `changed`.
    reverse: bool = False
    #: quadrants (0 top left, 1 top right, 2 bottom right, 3 bottom left) that condition and that change.
    given: int = 0
    changed: int = 1
    #: edge of the factor x factor tiles in which a quadrant mask holds; 1 is the whole image.
    tiles: int = 1
    #: rows and columns of the border that a centre mask changes.
    margin: int = 4

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"mask: expected one of {', '.join(KINDS)}, got {self.kind}")
        if self.kind == "quadrant" and self.given == self.changed:
            raise ValueError(f"quadrant mask: expected two different quadrants, got {self.given} twice")

    def to_dict(self) -> dict:
        """The fields that this kind has."""
        values = asdict(self)
        kept = {"quadrant": ("kind", "given", "changed", "tiles"), "centre": ("kind", "reverse", "margin")}
        return {key: values[key] for key in kept.get(self.kind, ("kind", "reverse"))}


def _checkerboard(_: Mask, h: int, w: int) -> Tensor:
    # Cells with row + column odd condition; the top left cell changes.
    return (torch.arange(h)[:, None] + torch.arange(w)) % 2


def _horizontal(_: Mask, h: int, w: int) -> Tensor:
    return (torch.arange(h) < h // 2)[:, None].expand(h, w)


def _vertical(_: Mask, h: int, w: int) -> Tensor:
    return (torch.arange(w) < w // 2).expand(h, w)


def _centre(mask: Mask, h: int, w: int) -> Tensor:
    m = mask.margin
    if not 0 < 2 * m < min(h, w):
        raise ValueError(f"centre mask: expected a margin below half of {min(h, w)}, got {m}")
    rows, cols = torch.arange(h), torch.arange(w)
    return ((rows >= m) & (rows < h - m))[:, None] & ((cols >= m) & (cols < w - m))


def quadrant(index: int, h: int, w: int) -> Tensor:
    """1 in quadrant `index` of an h x w image, clockwise from the top left, cut at h // 2 and w // 2."""
    below, right = index in (2, 3), index in (1, 2)
    rows, cols = torch.arange(h) >= h // 2, torch.arange(w) >= w // 2
    return (rows == below)[:, None] & (cols == right)


PLANES: dict[str, Callable[[Mask, int, int], Tensor]] = {
    "checkerboard": _checkerboard, "horizontal": _horizontal, "vertical": _vertical, "centre": _centre,
}
KINDS = (*PLANES, "quadrant", "channel", "tabular")


def parts(mask: Mask, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """(identity, changed) of rows of `shape`: [1, 1, H, W] for images, [1, D] for tables; channel masks have none."""
    if mask.kind == "tabular":
        first = (torch.arange(shape[0]) < shape[0] // 2)[None]
        identity = ~first if mask.reverse else first
        return identity.float(), (~identity).float()
    h, w = shape[-2:]
    if mask.kind == "quadrant":
        if h % mask.tiles or w % mask.tiles:
            raise ValueError(f"quadrant mask: expected tiles that divide {h} x {w}, got {mask.tiles}")
        h, w = h // mask.tiles, w // mask.tiles
        return tuple(quadrant(q, h, w)[None, None].float() for q in (mask.given, mask.changed))
    identity = PLANES[mask.kind](mask, h, w).bool()[None, None]
    identity = ~identity if mask.reverse else identity
    return identity.float(), (~identity).float()
