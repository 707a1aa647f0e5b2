"""Commits cut on their way: the client always sees an error, and the row is there or not as the cutter has counted."""

from __future__ import annotations

from collections.abc import Iterator
from struct import pack

import psycopg
import pytest

from faults.commit_cutter import CommitCutter, CommitWatch
from localservers.postgresql import PostgreSQL
from localservers.proxy import Verdict

COMMITS = 30


class Room:
    """A table, reached directly and through a cutter."""

    def __init__(self, cutter: CommitCutter, direct: str, cut: str) -> None:
        self.cutter, self._direct, self._cut = cutter, direct, cut
        with psycopg.connect(direct) as connection:
            connection.execute("CREATE TABLE t (a int)")

    def write(self, number: int, *, pipeline: bool = False) -> bool:
        """False when the client saw an error."""
        with psycopg.connect(self._cut, autocommit=pipeline) as connection:
            try:
                if pipeline:
                    with connection.pipeline():
                        for statement in ("BEGIN", f"INSERT INTO t VALUES ({number})", "COMMIT"):
                            connection.execute(statement)
                else:
                    connection.execute("INSERT INTO t VALUES (%s)", (number,))
                    connection.commit()
            except psycopg.OperationalError:
                assert connection.closed
                return False
            return True

    def rows(self) -> list[int]:
        with psycopg.connect(self._direct) as connection:
            return [row[0] for row in connection.execute("SELECT a FROM t ORDER BY a")]


@pytest.fixture
def room(postgresql: PostgreSQL, postgresql_url: str) -> Iterator[Room]:
    database = postgresql_url.rpartition("/")[2]
    with CommitCutter(postgresql.port, seed=5, share=1.0, limit=COMMITS) as cutter:
        urls = (postgresql.url(database), postgresql.url(database, port=cutter.port))
        yield Room(cutter, *(url.replace("+psycopg", "") for url in urls))


@pytest.mark.parametrize("pipeline", [False, True])
def test_cut_before_leaves_no_row_and_cut_after_leaves_it_and_the_client_sees_an_error(
    room: Room, pipeline: bool
) -> None:
    expected = []
    for number in range(COMMITS):
        before = room.cutter.committed
        assert not room.write(number, pipeline=pipeline)
        if room.cutter.committed > before:
            expected.append(number)
    assert room.rows() == expected
    assert room.cutter.committed == len(expected) > 0
    assert room.cutter.uncommitted == COMMITS - len(expected) > 0
    assert room.write(COMMITS), "the limit is reached: nothing more is cut"


def test_only_the_share_is_cut(room: Room) -> None:
    room.cutter.share = 0.0
    assert all(room.write(number) for number in range(5))
    room.cutter.share = 0.5
    heard = [room.write(number) for number in range(5, 25)]
    assert sum(heard) == 20 - room.cutter.committed - room.cutter.uncommitted
    assert 0 < sum(heard) < 20
    assert len(room.rows()) == 5 + sum(heard) + room.cutter.committed


def query(kind: bytes, content: bytes) -> bytes:
    return kind + pack(">I", len(content) + 4) + content


START = pack(">II", 8, 80877103) + pack(">II", 108, 196608) + b"user\0" + bytes(95)
WORK = query(b"Q", b"BEGIN\0") + query(b"P", b"\0INSERT " + b"x" * 300 + b"Q\0\0\0\x0bCOMMIT\0") + query(b"S", b"")


@pytest.mark.parametrize(
    ("commit", "is_one"),
    [
        (query(b"Q", b"COMMIT\0"), True),
        (query(b"Q", b"commit;\0"), True),
        (query(b"P", b"name\0COMMIT\0\0\0"), True),
        (query(b"Q", b"COMMIT PREPARED 'x'\0"), False),
        (query(b"B", b"COMMIT\0"), False),
    ],
)
def test_a_commit_is_found_wherever_the_pieces_are_split(commit: bytes, is_one: bool) -> None:
    stream = START + WORK + commit
    with CommitCutter(0, seed=1, share=1.0, limit=10**9) as cutter:
        for at in range(1, len(stream)):
            watch = CommitWatch(cutter)
            pieces = (stream[:at], stream[at:])
            cut_at = []
            for piece in pieces:
                forwarded = watch.from_client(piece) is Verdict.FORWARD
                awaits_answer = watch.from_server(b"C\0\0\0\x0bCOMMIT\0") is Verdict.SWALLOW
                cut_at.append(not forwarded or awaits_answer)
            assert cut_at == [False, is_one]
