"""Which characters a font can show: the cmap table of an OpenType file. Source: ISO/IEC 14496-22 §5.3.1."""

from __future__ import annotations

from pathlib import Path
from struct import unpack_from

_PLANES = 0x110000
_SEGMENTED_COVERAGE = 12


def covered_characters(*fonts: Path) -> bytearray:
    """One byte per code point: 1 where any of ``fonts`` has a glyph."""
    cover = bytearray(_PLANES)
    for font in fonts:
        for first, last in _ranges(font.read_bytes()):
            cover[first : last + 1] = b"\x01" * (last - first + 1)
    return cover


def _ranges(font: bytes) -> list[tuple[int, int]]:
    """Ranges of the font's format 12 subtable. Raises ValueError when it has none."""
    cmap = _table(font, b"cmap")
    for index in range(unpack_from(">H", font, cmap + 2)[0]):
        [offset] = unpack_from(">4xI", font, cmap + 4 + 8 * index)
        start = cmap + offset
        if unpack_from(">H", font, start)[0] == _SEGMENTED_COVERAGE:
            [count] = unpack_from(">I", font, start + 12)
            groups = (unpack_from(">II", font, start + 16 + 12 * n) for n in range(count))
            return [(first, last) for first, last in groups]
    raise ValueError("the font has no cmap of format 12")


def _table(font: bytes, tag: bytes) -> int:
    for index in range(unpack_from(">H", font, 4)[0]):
        name, offset = unpack_from(">4s4xI", font, 12 + 16 * index)
        if name == tag:
            return int(offset)
    raise ValueError(f"the font has no {tag.decode()} table")
