"""What a material's bytes must look like for the media type they claim."""

from __future__ import annotations

_SIGNATURES = {
    "application/pdf": b"%PDF-",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
}
_EXTENSIONS = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}

HEAD_BYTES = 8


def checkable(media_type: str) -> bool:
    """True when the first bytes of this type are known; others are not taken, whatever a guide says."""
    return media_type in _SIGNATURES


def fits(media_type: str, head: bytes) -> bool:
    """True when a file that begins with ``head`` (HEAD_BYTES or the whole file) can be of ``media_type``."""
    return head.startswith(_SIGNATURES[media_type])


def extension(media_type: str) -> str:
    """File name extension of a checkable type."""
    return _EXTENSIONS[media_type]
