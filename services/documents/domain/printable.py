"""Text as a font can show it. A character outside the font would make the PDF unusable as PDF/A."""

from __future__ import annotations

import unicodedata

STAND_IN = "〓"  # 下駄: the printers' sign for a character that is missing
_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn")


def printable(text: str, cover: bytearray) -> str:
    """``text`` on one line, without invisible characters, with STAND_IN for what ``cover`` lacks.

    ``cover`` has one byte per code point, 1 where the font has a glyph.
    """
    seen = " ".join(text.split())
    return "".join(character if cover[ord(character)] else STAND_IN for character in seen if not _invisible(character))


def _invisible(character: str) -> bool:
    selects_a_variant = 0xFE00 <= ord(character) <= 0xFE0F or 0xE0100 <= ord(character) <= 0xE01EF
    return selects_a_variant or unicodedata.category(character) in _INVISIBLE
