"""The body of a request on its way in: counted, limited, never whole in memory."""

from __future__ import annotations

import io
from tempfile import SpooledTemporaryFile
from typing import Any

from werkzeug.exceptions import ClientDisconnected

from chassis.errors import Refusal

CHUNK_BYTES = 64 * 1024


class RequestBody(io.RawIOBase):
    """A body of ``length`` bytes. ``first`` is read ahead; when it is all there is, the request can be sent again.

    Raises ClientDisconnected when the client stops before ``length``: a server may report that as a plain end.
    """

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
        wanted = min(most, self._left)
        parts = []
        while wanted:
            part = self._source.read(wanted)
            if not part:
                raise ClientDisconnected
            parts.append(part)
            wanted -= len(part)
            self._left -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        """Give back the temporary file, if there is one."""
        if isinstance(self._source, SpooledTemporaryFile):
            self._source.close()
        super().close()


def has_body(environ: dict[str, Any]) -> bool:
    """Whether something is to be received, as far as the head says."""
    return environ.get("CONTENT_LENGTH", "0") not in ("", "0") or "HTTP_TRANSFER_ENCODING" in environ


def open_body(environ: dict[str, Any], limit: int) -> RequestBody:
    """The body of a request whose framing was checked. Raises Refusal ``body_too_large`` or ``length_required``.

    A body of unknown length is counted into a temporary file first: the service then gets a Content-Length and nothing
    of a body that turns out too large. (Behind a WSGI server it could not tell a broken-off chunked body from a whole one.)
    """
    source = environ["wsgi.input"]
    if stated := environ.get("CONTENT_LENGTH"):
        if int(stated) > limit:
            raise _too_large(limit)
        return RequestBody(source, int(stated))
    chunked = "HTTP_TRANSFER_ENCODING" in environ
    if not environ.get("wsgi.input_terminated"):
        if chunked:
            raise Refusal("length_required", "请给出 Content-Length / Content-Length is required")
        return RequestBody(source, 0)
    if not chunked and environ["REQUEST_METHOD"] in {"GET", "HEAD", "OPTIONS"}:
        return RequestBody(source, 0)
    return _counted(source, limit)


def _counted(source: Any, limit: int) -> RequestBody:
    held: Any = SpooledTemporaryFile(CHUNK_BYTES)  # noqa: SIM115 the body closes it
    length = 0
    try:
        while chunk := source.read(CHUNK_BYTES):
            length += len(chunk)
            if length > limit:
                raise _too_large(limit)
            held.write(chunk)
        held.seek(0)
        return RequestBody(held, length)
    except BaseException:
        held.close()
        raise


def _too_large(limit: int) -> Refusal:
    return Refusal("body_too_large", f"请求体超过 {limit} 字节 / the body is over {limit} bytes", limit_bytes=limit)
