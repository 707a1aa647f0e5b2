"""Text that must not be shown: passwords, client secrets, identity numbers."""

from __future__ import annotations


class Sensitive:
    """Shows as ``***`` wherever it is printed, formatted or logged, and no JSON encoder takes it. ``reveal`` gives the text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself. Every call is a place where it may leak: hash it, seal it, hand it on."""
        return self._text

    def __len__(self) -> int:
        return len(self._text)

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__
