"""Connections to PostgreSQL cut at the worst moment: while COMMIT is under way.

psycopg 3 commits with a simple Query, in its pipeline mode with a Parse. Source of the messages: PostgreSQL documentation,
"Frontend/Backend Protocol", "Message Formats".
"""

from __future__ import annotations

import random
from struct import unpack_from
from types import TracebackType
from typing import Self

from localservers.proxy import TcpProxy, Verdict

_PROTOCOL_3 = 3
_TYPED, _UNTYPED = 5, 8  # octets needed to know a message's size
_SHORT = 64  # no COMMIT is longer; longer messages are skipped unread
_DONE = b"COMMIT\x00"  # tag of CommandComplete
_READY = b"Z\x00\x00\x00\x05"  # ReadyForQuery: the answer is complete


class CommitCutter:
    """A proxy before PostgreSQL that cuts a random ``share`` of the commits, ``limit`` in all.

    Half of them before COMMIT reaches the server: ``uncommitted`` counts these. Half when the server has answered it and
    the client has not heard so: ``committed``. The client cannot tell one from the other. ``share`` may be changed at any
    time; at 0 everything passes.
    """

    def __init__(self, postgresql_port: int, *, seed: int, share: float, limit: int) -> None:
        self.share = share
        self.committed = self.uncommitted = 0
        self._random, self._left = random.Random(seed), limit
        self._proxy = TcpProxy(postgresql_port, watch=lambda: CommitWatch(self))
        self.port = self._proxy.port

    def __enter__(self) -> Self:
        """Forward from now on."""
        self._proxy.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._proxy.__exit__(kind, error, trace)

    def at_commit(self) -> Verdict:
        """FORWARD: leave it alone. CUT: cut now. SWALLOW: let it reach the server and swallow the answer."""
        if self._left == 0 or self._random.random() >= self.share:
            return Verdict.FORWARD
        self._left -= 1
        if self._random.random() < 0.5:
            self.uncommitted += 1
            return Verdict.CUT
        return Verdict.SWALLOW

    def answered(self, answer: bytes) -> None:
        """The server's whole answer to a COMMIT whose connection is cut now."""
        if _DONE in answer:
            self.committed += 1
        else:  # it had failed before: COMMIT rolls back
            self.uncommitted += 1


class CommitWatch:
    """Watches one connection, which has to be unencrypted."""

    def __init__(self, cutter: CommitCutter) -> None:
        self._cutter, self._messages = cutter, _ClientMessages()
        self._answer: bytes | None = None

    def from_client(self, data: bytes) -> Verdict:
        """See Watch."""
        if not self._messages.commit_in(data):
            return Verdict.FORWARD
        verdict = self._cutter.at_commit()
        if verdict is Verdict.SWALLOW:
            self._answer = b""
            return Verdict.FORWARD
        return verdict

    def from_server(self, data: bytes) -> Verdict:
        """See Watch."""
        if self._answer is None:
            return Verdict.FORWARD
        self._answer += data
        if _READY not in self._answer:
            return Verdict.SWALLOW
        self._cutter.answered(self._answer)
        return Verdict.CUT


class _ClientMessages:
    """Walks through the messages of a client, wherever their pieces are split."""

    def __init__(self) -> None:
        self._started = False
        self._skip, self._rest = 0, b""

    def commit_in(self, piece: bytes) -> bool:
        """True if ``piece`` completes a COMMIT."""
        data, at, found = self._rest + piece, self._skip, False
        while at + (head := _TYPED if self._started else _UNTYPED) <= len(data):
            kind, size = self._head(data, at)
            if kind in (b"Q", b"P") and size <= _SHORT:
                if at + size > len(data):
                    break
                found = found or _is_commit(kind, data[at + head : at + size])
            at += size
        self._rest, self._skip = data[at:], max(0, at - len(data))
        return found

    def _head(self, data: bytes, at: int) -> tuple[bytes, int]:
        """Type and size of the message at ``at``. The first messages have no type: requests for encryption, start-up."""
        if self._started:
            kind, size = unpack_from(">cI", data, at)
            return kind, size + 1
        size, code = unpack_from(">II", data, at)
        self._started = code >> 16 == _PROTOCOL_3
        return b"", size


def _is_commit(kind: bytes, content: bytes) -> bool:
    """Query is a text; Parse is the name of the statement, then a text."""
    text = content.split(b"\x00")[0 if kind == b"Q" else 1]
    return text.strip(b" \t\n;").upper() == b"COMMIT"
