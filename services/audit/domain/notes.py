"""Texts that the log signs. Source: C2SP tlog-checkpoint and signed-note."""

from __future__ import annotations

import base64


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """The head of the tree: origin, size, base64 of the root."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def trail_text(origin: str, case_no: str, count: int, size: int) -> str:
    """How many entries a case has among the first ``size``: without it, the last ones could be left out unseen.

    The first line differs from a checkpoint's, so that one can never pass for the other.
    """
    return f"{origin}/trail\n{case_no}\n{count}\n{size}\n"
