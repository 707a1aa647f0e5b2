"""The written form of a shared resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from services.catalog.domain.sharing import Resource


def resource_of(loaded: Mapping[str, Any]) -> Resource:
    """The resource in what the schema has loaded, with its code."""
    return msgspec.convert(loaded, Resource)
