"""Bodies as streams, within a limit that is the route's own."""

from __future__ import annotations

from collections.abc import Iterator

from flask import request

from chassis.errors import Refusal

CHUNK_BYTES = 64 * 1024


def body_chunks(max_bytes: int, too_large: str) -> Iterator[bytes]:
    """The request's body in pieces. Raises Refusal ``too_large``, or ``length_required``.

    A server ends a broken-off body of unknown length as if it were whole, so its length must be stated. With one, the
    body is never longer than stated, and the web edge raises ClientDisconnected when it is shorter.
    """
    stated = request.environ.get("CONTENT_LENGTH", "")
    if not stated.isdecimal():
        raise Refusal("length_required", "请给出 Content-Length / Content-Length is required")
    if int(stated) > max_bytes:
        raise Refusal(too_large, "文件超过限制 / the file is over the limit", max_bytes=max_bytes)
    # In place of the service's limit, which is for JSON; one more, because a stream read to its very limit is refused.
    request.max_content_length = max_bytes + 1
    while chunk := request.stream.read(CHUNK_BYTES):
        yield chunk
