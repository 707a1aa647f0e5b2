"""What a message is on the wire, written by hand where py-amqp spends most of a relay's and a consumer's time on it.

py-amqp makes a dozen objects for each message and writes it at once; here a batch becomes one run of bytes.
Source: AMQP 0-9-1 §2.3.5 (frames), §4.2.6 (content), and the class basic.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import pack
from typing import Any

_READ_BYTES = 65_536

_METHOD, _HEADER, _BODY, _END = 1, 2, 3, b"\xce"
_BASIC, _PUBLISH, _MANDATORY, _PERSISTENT = 60, 40, 1, 2
# content type, content encoding, delivery mode, message id, user id
_PROPERTIES = 1 << 15 | 1 << 14 | 1 << 12 | 1 << 7 | 1 << 4
_FRAME_OVERHEAD = 8


def read_ahead(connection: Any) -> None:
    """Take what is there in one read; py-amqp's transport keeps what it did not ask for yet."""
    receive = connection.transport._quick_recv  # noqa: SLF001
    connection.transport._quick_recv = lambda size: receive(max(size, _READ_BYTES))  # noqa: SLF001


class PublishFrames:
    """Writes persistent, mandatory messages from ``user`` to ``exchange`` as frames of one channel."""

    def __init__(self, channel: Any, exchange: str, user: str, content_type: str) -> None:
        self._channel_id = channel.channel_id
        self._body_max = channel.connection.frame_max - _FRAME_OVERHEAD
        self._before_key = pack(">HHH", _BASIC, _PUBLISH, 0) + _short(exchange)
        self._before_id = _short(content_type) + _short("binary") + pack(">B", _PERSISTENT)
        self._user = _short(user)

    def of(self, routing_key: str, message_id: str, body: bytes) -> Iterable[bytes]:
        """The frames of one message."""
        yield self._frame(_METHOD, self._before_key + _short(routing_key) + pack(">B", _MANDATORY))
        size_and_flags = pack(">HHQH", _BASIC, 0, len(body), _PROPERTIES)
        yield self._frame(_HEADER, size_and_flags + self._before_id + _short(message_id) + self._user)
        for start in range(0, len(body), self._body_max):
            yield self._frame(_BODY, body[start : start + self._body_max])

    def _frame(self, kind: int, payload: bytes) -> bytes:
        return pack(">BHI", kind, self._channel_id, len(payload)) + payload + _END


def _short(text: str) -> bytes:
    """A short string: its length in one octet. Raises ValueError above 255 octets."""
    encoded = text.encode()
    if len(encoded) > 255:
        raise ValueError(f"too long for AMQP: {len(encoded)} octets")
    return bytes([len(encoded)]) + encoded
