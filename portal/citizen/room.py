"""The room's blueprint and what several of its pages need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, stream_with_context

from portal.api import Answer, path
from portal.session import PERSON, api, for_kind

CITIZEN = Blueprint("citizen", __name__)
for_citizens = for_kind(PERSON)
_PASSED_ON = ("Content-Type", "Content-Length", "Content-Disposition", "X-Content-Type-Options", "Cache-Control")


def guide(item_code: str, version: int | None = None) -> dict[str, Any]:
    """The guide of an item: of the version in force, or of the one that a case froze."""
    names = ("items", item_code) if version is None else ("items", item_code, "versions", str(version))
    found: dict[str, Any] = api().get(path(*names))
    return found


def pass_on(answer: Answer) -> Response:
    """A file of the API's as the visitor's own download."""

    def chunks() -> Iterator[bytes]:
        yield from answer.chunks

    headers = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
    return Response(stream_with_context(chunks()), answer.status, headers)
