"""The tree of RFC 6962: hashes, which subtrees a proof is made of, and growth by appending.

Only complete subtrees are kept; every other hash is folded from at most log2(size) of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple


class Node(NamedTuple):
    """A complete subtree: leaves ``position * 2^level`` to ``(position + 1) * 2^level - 1``."""

    level: int
    position: int


class Span(NamedTuple):
    """Leaves ``start`` to ``end - 1``, the subject of one hash in a proof."""

    start: int
    end: int


def leaf_hash(leaf: bytes) -> bytes:
    """Hash of a leaf. Source: RFC 6962 §2.1."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an interior node. Source: RFC 6962 §2.1."""
    return sha256(b"\x01" + left + right).digest()


def complete_subtrees(span: Span) -> list[Node]:
    """The complete subtrees that make up ``span``, left (largest) to right. ``span`` is a subtree of RFC 6962."""
    found = []
    start, end = span
    while start < end:
        level = (end - start).bit_length() - 1
        found.append(Node(level, start >> level))
        start += 1 << level
    return found


def fold(hashes: Sequence[bytes]) -> bytes:
    """Hash of a span from its complete subtrees, left to right. The empty tree hashes to SHA-256 of nothing."""
    if not hashes:
        return sha256(b"").digest()
    right = hashes[-1]
    for left in reversed(hashes[:-1]):
        right = node_hash(left, right)
    return right


def inclusion_spans(index: int, size: int) -> list[Span]:
    """What the proof for leaf ``index`` in a tree of ``size`` is made of, leaf end first. Source: RFC 6962 §2.1.1."""
    start, end = 0, size
    spans = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """What the proof that the tree of ``old`` leaves begins the tree of ``new`` is made of; 0 < old <= new.

    Source: RFC 6962 §2.1.2.
    """
    start, end = 0, new
    spans = []
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(start, middle))
            start = middle
    if start > 0:
        spans.append(Span(start, end))
    return spans[::-1]


def _split(size: int) -> int:
    """The largest power of two smaller than ``size``."""
    return 1 << ((size - 1).bit_length() - 1)


class Edge:
    """The right edge of a growing tree: its size and the hashes of its complete subtrees, left to right."""

    def __init__(self, size: int, hashes: Sequence[bytes]) -> None:
        self.size = size
        self._stack = list(zip(complete_subtrees(Span(0, size)), hashes, strict=True))

    def append(self, leaf: bytes) -> list[tuple[Node, bytes]]:
        """Add a leaf by its hash; returns every subtree that is complete now, the leaf itself first."""
        node, value = Node(0, self.size), leaf
        grown = [(node, value)]
        while self._stack and self._stack[-1][0].level == node.level:
            node, value = Node(node.level + 1, node.position >> 1), node_hash(self._stack.pop()[1], value)
            grown.append((node, value))
        self._stack.append((node, value))
        self.size += 1
        return grown

    def root(self) -> bytes:
        """Root of the tree."""
        return fold([value for _, value in self._stack])
