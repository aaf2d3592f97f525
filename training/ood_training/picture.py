"""Pictures without a plotting library: sheets of images as PNG, histograms as SVG. Both are small enough to watch."""

from __future__ import annotations

import os
import struct
import zlib
from html import escape
from pathlib import Path

import numpy as np

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")


def png_sheet(pixels: np.ndarray, columns: int) -> bytes:
    """PNG of bytes [N, C, H, W], C = 1 or 3, `columns` images a row; the last row is filled with black."""
    n, c, h, w = pixels.shape
    if c not in (1, 3):
        raise ValueError(f"png_sheet: expected 1 or 3 channels, got {c}")
    missing = -n % columns
    pixels = np.concatenate([pixels, np.zeros((missing, c, h, w), np.uint8)])
    sheet = pixels.reshape(-1, columns, c, h, w).transpose(0, 3, 1, 4, 2).reshape(-1, columns * w * c)
    raw = b"".join(b"\0" + line.tobytes() for line in sheet)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", columns * w, len(sheet), 8, 0 if c == 1 else 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")


def above_cut(values: np.ndarray, share: float = 0.05) -> np.ndarray:
    """Values strictly above the sorted one at index int(share n): a few rows that are far off squeeze a histogram."""
    cut = np.sort(values)[int(share * len(values))]
    kept = values[values > cut]
    return kept if len(kept) else values


def histogram_svg(sets: dict[str, np.ndarray], title: str, label: str, bins: int = 60) -> str:
    """Normalised histograms of several sets over one axis, without the lowest 5 % of each."""
    kept = {name: above_cut(np.asarray(values, np.float64)) for name, values in sets.items()}
    low, high = min(v.min() for v in kept.values()), max(v.max() for v in kept.values())
    high = high if high > low else low + 1
    edges = np.linspace(low, high, bins + 1)
    shares = {name: np.histogram(v, edges)[0] / len(v) for name, v in kept.items()}
    top = max(float(share.max()) for share in shares.values())
    left, right, upper, lower = 50, 610, 40, 330

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * (right - left)

    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 380" font-family="sans-serif" font-size="12">',
        '<rect width="640" height="380" fill="white"/>', f'<text x="{left}" y="20" font-size="14">{escape(title)}</text>',
    ]
    for index, (name, share) in enumerate(shares.items()):
        colour = COLOURS[index % len(COLOURS)]
        points = [(left, lower)]
        for i, value in enumerate(share):
            y = lower - value / top * (lower - upper)
            points += [(x(edges[i]), y), (x(edges[i + 1]), y)]
        points.append((right, lower))
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        parts.append(f'<polygon points="{path}" fill="{colour}" fill-opacity="0.35" stroke="{colour}"/>')
        parts.append(f'<text x="{right - 150}" y="{upper + 14 + 16 * index}" fill="{colour}">{escape(name)}</text>')
    parts.append(f'<path d="M{left} {lower}H{right}" stroke="black"/>')
    for value in np.linspace(low, high, 5):
        parts.append(f'<text x="{x(value):.1f}" y="{lower + 18}" text-anchor="middle">{value:.4g}</text>')
    parts.append(f'<text x="{(left + right) / 2}" y="{lower + 38}" text-anchor="middle">{escape(label)}</text></svg>')
    return "\n".join(parts) + "\n"


def replace_file(path: Path, content: bytes | str) -> None:
    """Write beside `path` and rename, so that whoever watches never sees half a file."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.replace(temporary, path)
