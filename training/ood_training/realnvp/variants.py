"""Sequences of masks by name: the fixed-size RealNVPs, without squeeze and without factored-out parts.

`small`, `checkerboard-8`, `horizontal`, `horizontal-3` and `cycle` are what the paper trains; the others are
alternatives that its code mentions.
"""

from __future__ import annotations

from .masks import Mask


def alternate(kind: str, count: int) -> list[Mask]:
    return [Mask(kind, reverse=index % 2 == 1) for index in range(count)]


def cycle(turns: int = 1, tiles: int = 1) -> list[Mask]:
    """Every quadrant given the one before it, clockwise: 0 -> 1 -> 2 -> 3 -> 0."""
    return [Mask("quadrant", given=q, changed=(q + 1) % 4, tiles=tiles) for q in range(4)] * turns


VARIANTS: dict[str, list[Mask]] = {
    "small": alternate("checkerboard", 2),
    "checkerboard-4": alternate("checkerboard", 4),
    "checkerboard-8": alternate("checkerboard", 8),
    "horizontal": alternate("horizontal", 8),
    "horizontal-3": alternate("horizontal", 3),
    "horizontal-4": alternate("horizontal", 4),
    "vertical": alternate("vertical", 8),
    "horizontal-vertical": [m for _ in range(2) for kind in ("horizontal", "vertical") for m in alternate(kind, 2)],
    "vertical-horizontal": [m for _ in range(2) for kind in ("vertical", "horizontal") for m in alternate(kind, 2)],
    "cycle": cycle(2),
    "cycle-1": cycle(1),
    "cycle-3": cycle(3),
    "cycle-4": cycle(4),
    "checkerboard-cycle": [*alternate("checkerboard", 1), *cycle(2)],
    "centre-cycle-centre": [Mask("centre"), *cycle(2), Mask("centre", reverse=True)],
    "sub-quadrant-cycle": [*cycle(1, tiles=2), *cycle(1)],
    "mega-sub-quadrant-cycle": [*cycle(1, tiles=4), *cycle(1, tiles=2), *cycle(1)],
}


def masks(name: str) -> list[Mask]:
    if name not in VARIANTS:
        raise ValueError(f"masks: expected one of {', '.join(VARIANTS)}, got {name}")
    return VARIANTS[name]


def widths(name: str, mid: int) -> list[int]:
    """Channels of each coupling's network: all the same, but mid / 4, mid / 2, mid in the mega variant."""
    return [mid // mask.tiles if name == "mega-sub-quadrant-cycle" else mid for mask in masks(name)]
