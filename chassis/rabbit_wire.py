"""Fewer system calls for py-amqp: it reads a message in nine pieces and writes each message at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_READ_BYTES = 16_384


def read_ahead(connection: Any) -> None:
    """Take what is there in one read; py-amqp's transport keeps what it did not ask for yet."""
    receive = connection.transport._quick_recv  # noqa: SLF001
    connection.transport._quick_recv = lambda size: receive(max(size, _READ_BYTES))  # noqa: SLF001


@contextmanager
def written_together(connection: Any) -> Iterator[None]:
    """What is written inside goes out as one write at the end; nothing of it when an error ends the block."""
    transport, parts = connection.transport, []
    write = transport._write  # noqa: SLF001
    transport._write = lambda data: parts.append(bytes(data))  # noqa: SLF001 - the frame writer uses its buffer again
    try:
        yield
    finally:
        transport._write = write  # noqa: SLF001
    transport.write(b"".join(parts))
