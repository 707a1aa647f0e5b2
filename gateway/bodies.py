"""The body of a request on its way in: all of it is received before a service hears of it, never whole in memory.

So a client that sends slowly holds a thread of the door, which has many, and none of a service, which has few.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from tempfile import SpooledTemporaryFile
from typing import Any

from werkzeug.exceptions import ClientDisconnected

from chassis.errors import Refusal

CHUNK_BYTES = 64 * 1024
_STEP_BYTES = 16 * 1024  # little enough that whoever comes at the least rate is seen to come


class RequestBody(io.RawIOBase):
    """A body of ``length`` bytes. ``first`` is read ahead; when it is all there is, the request can be sent again."""

    def __init__(self, source: Any, length: int) -> None:
        super().__init__()
        self._source, self._left, self.length = source, length, length
        self.first = self._pull(CHUNK_BYTES)
        self._unread = self.first

    @property
    def whole(self) -> bool:
        """Whether ``first`` is the whole body."""
        return len(self.first) == self.length

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """See io.RawIOBase."""
        data = self.next_chunk(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def next_chunk(self, most: int = CHUNK_BYTES) -> bytes:
        """The next bytes, at most ``most``; empty at the end."""
        if self._unread:
            data, self._unread = self._unread[:most], self._unread[most:]
            return data
        return self._pull(min(most, CHUNK_BYTES))

    def _pull(self, most: int) -> bytes:
        data: bytes = self._source.read(min(most, self._left))
        self._left -= len(data)
        return data

    def close(self) -> None:
        """Give back the temporary file, if there is one."""
        if isinstance(self._source, SpooledTemporaryFile):
            self._source.close()
        super().close()


def has_body(environ: dict[str, Any]) -> bool:
    """Whether something is to be received, as far as the head says."""
    return environ.get("CONTENT_LENGTH", "0") not in ("", "0") or "HTTP_TRANSFER_ENCODING" in environ


def open_body(environ: dict[str, Any], limit: int, got: Callable[[int], object] = lambda _count: None) -> RequestBody:
    """The body of a request whose framing was checked, received. ``got`` is told of every few bytes.

    Raises Refusal ``body_too_large`` or ``length_required``, and ClientDisconnected when the client stops before the length
    that it stated: a server may report that as a plain end.
    """
    source = environ["wsgi.input"]
    if stated := environ.get("CONTENT_LENGTH"):
        if int(stated) > limit:
            raise _too_large(limit)
        return _of_length(source, int(stated), got)
    chunked = "HTTP_TRANSFER_ENCODING" in environ
    if not environ.get("wsgi.input_terminated"):
        if chunked:
            raise Refusal("length_required", "请给出 Content-Length / Content-Length is required")
        return RequestBody(source, 0)
    if not chunked and environ["REQUEST_METHOD"] in {"GET", "HEAD", "OPTIONS"}:
        return RequestBody(source, 0)
    return _held(_pieces(source, got), limit)


def _of_length(source: Any, length: int, got: Callable[[int], object]) -> RequestBody:
    pieces = _pieces(source, got, length)
    if length > CHUNK_BYTES:
        body = _held(pieces, length)
        if body.length < length:
            body.close()
            raise ClientDisconnected
        return body
    data = b"".join(pieces)
    if len(data) < length:
        raise ClientDisconnected
    return RequestBody(io.BytesIO(data), length)


def _pieces(source: Any, got: Callable[[int], object], length: float = math.inf) -> Iterator[bytes]:
    """What comes, up to ``length``: a server may wait for the rest of a piece, but none waits for more than was stated."""
    while length > 0 and (piece := source.read(int(min(_STEP_BYTES, length)))):
        length -= len(piece)
        got(len(piece))
        yield piece


def _held(pieces: Iterator[bytes], limit: int) -> RequestBody:
    """A body of unknown or large length, kept in a temporary file. (Behind a WSGI server a service could not tell a
    broken-off chunked body from a whole one, so it gets a Content-Length, and nothing of a body that turns out too large.)
    """
    held: Any = SpooledTemporaryFile(CHUNK_BYTES)  # noqa: SIM115 the body closes it
    length = 0
    try:
        for piece in pieces:
            length += len(piece)
            if length > limit:
                raise _too_large(limit)
            held.write(piece)
        held.seek(0)
        return RequestBody(held, length)
    except BaseException:
        held.close()
        raise


def _too_large(limit: int) -> Refusal:
    return Refusal("body_too_large", f"请求体超过 {limit} 字节 / the body is over {limit} bytes", limit_bytes=limit)
