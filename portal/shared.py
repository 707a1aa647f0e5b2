"""What the rooms of everybody who is signed in share: guides, and files passed on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response, stream_with_context

from portal.api import Answer, path
from portal.kept import kept
from portal.session import api

GUIDE_KEPT_S = 3600.0
_PASSED_ON = ("Content-Type", "Content-Length", "Content-Disposition", "X-Content-Type-Options", "Cache-Control")


def guide_of(item_code: str, version: int | None = None) -> dict[str, Any]:
    """The guide of an item: of the version in force, or of the one that a case froze, which never changes."""
    if version is None:
        found: dict[str, Any] = api().get(path("items", item_code))
        return found
    address = path("items", item_code, "versions", str(version))
    return kept(address, GUIDE_KEPT_S, lambda caller: caller.get(address))


def pass_on(answer: Answer) -> Response:
    """A file of the API's as the visitor's own download."""

    def chunks() -> Iterator[bytes]:
        yield from answer.chunks

    headers = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
    return Response(stream_with_context(chunks()), answer.status, headers)
