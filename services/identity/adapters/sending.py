"""How a provider says that it did not take a message."""

from __future__ import annotations


class TryAgain(Exception):
    """It may take it later; the message says why, without any address."""


class Rejected(Exception):
    """It will never take it."""
