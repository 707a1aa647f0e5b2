"""What may come in as text or JSON and can be stored, hashed and sent on everywhere."""

from __future__ import annotations

import math
from typing import Any

from marshmallow import ValidationError

MAX_DEPTH = 24
SAFE_INTEGER = 2**53 - 1  # beyond this, JSON readers disagree (RFC 8785)


def require_plain_text(text: str) -> None:
    """Raises ValidationError for control characters (line feed excepted) and lone surrogates."""
    if any((ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000 for c in text):
        raise ValidationError("含有控制字符 / contains control characters")


def require_plain_json(value: Any, depth: int = 0) -> None:
    """Raises ValidationError for what is too deep, too big a number, or no JSON at all."""
    if depth > MAX_DEPTH:
        raise ValidationError(f"嵌套超过{MAX_DEPTH}层 / nested deeper than {MAX_DEPTH}")
    if isinstance(value, dict | list):
        for inner in _children(value):
            require_plain_json(inner, depth + 1)
    elif isinstance(value, str):
        require_plain_text(value)
    elif isinstance(value, int | float):
        _require_safe_number(value)
    elif value is not None:
        raise ValidationError(f"不是 JSON / not JSON: {type(value).__name__}")


def _children(value: dict[Any, Any] | list[Any]) -> list[Any]:
    if isinstance(value, list):
        return value
    if not all(isinstance(key, str) for key in value):
        raise ValidationError("键应为文本 / keys must be text")
    return [*value.keys(), *value.values()]


def _require_safe_number(value: float) -> None:
    if not math.isfinite(value) or (isinstance(value, int) and abs(value) > SAFE_INTEGER):
        raise ValidationError("数值超出范围 / number out of range")
