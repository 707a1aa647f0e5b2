"""Which release this is."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


@cache
def version() -> str:
    """Of the installed package, else of the checkout; ``unknown`` where there is neither."""
    if PROJECT.exists():
        return str(tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["version"])
    try:
        return metadata.version("tongban")
    except metadata.PackageNotFoundError:
        return "unknown"
