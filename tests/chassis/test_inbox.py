"""The inbox on SQLite and on PostgreSQL: poison of every kind, repeats, races, a database that goes away."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from chassis import clock, parked
from chassis.bus import Subscription, each
from chassis.db import Database, Tx
from chassis.inbox import Inbox
from contracts.case import CaseWithdrawn
from contracts.envelope import Envelope, decode_envelope, encode, seal
from localservers.postgresql import PostgreSQL
from tests.chassis.rig import effects, eventually, leave_effect, make_database, on_the_wire, withdrawn
from tests.support import told


@pytest.fixture
def database(database_url: str) -> Database:
    return make_database("audit", database_url)


def make_inbox(
    database: Database, act: Callable[[Tx, Any], None] | None = None, *, name: str = "audit.effects", limit: int = 3
) -> Inbox:
    def leave(tx: Tx, event: Any) -> None:
        leave_effect(tx, database, event.case_no)
        tx.tell(withdrawn(event.case_no))

    return Inbox(database, Subscription(name, {CaseWithdrawn: each(act or leave)}), retry_limit=limit)


def body(case_no: str, **changes: Any) -> bytes:
    envelope: Envelope = decode_envelope(on_the_wire(withdrawn(case_no)).body)
    return encode(msgspec.structs.replace(envelope, **changes))


def test_effect_key_and_what_it_tells_commit_together_once(database: Database) -> None:
    inbox = make_inbox(database)
    a, b = body("a"), body("b")
    assert inbox.receive([a, b, a]) == [True, True, True]
    assert inbox.receive([b, a]) == [True, True]
    assert effects(database) == ["a", "b"]
    assert [event.case_no for event in told(database)] == ["a", "b"]
    with database.read() as connection:
        causes = {
            decode_envelope(row).causationid for row in connection.execute(sa.select(database.outbox.c.body)).scalars()
        }
    assert causes == {decode_envelope(a).id, decode_envelope(b).id}


def test_each_subscription_handles_an_event_for_itself(database: Database) -> None:
    message = body("a")
    for name in ("audit.effects", "audit.others"):
        make_inbox(database, name=name).receive([message])
    assert effects(database) == ["a", "a"]


@pytest.mark.parametrize(
    "poison",
    [
        b"",
        b"\xff\xfe\x00",
        b"{}",
        b"[" * 100_000,
        b'{"specversion":"2.0"}',
        body("x", data=msgspec.Raw(b'{"case_no": "x", "reason": ' + b"[" * 5_000 + b"]" * 5_000 + b"}")),
        body("x", id=""),
        body("x", id="i" * 37),
        body("x", id="nul\0"),
        body("x", type="case.withdrawn.v1" + "x" * 70),
        body("x", subject="s" * 81),
        body("x", subject="nul\0"),
    ],
    ids=lambda poison: poison[:20],
)
def test_what_can_be_neither_handled_nor_kept_is_refused_and_its_neighbours_are_handled(
    database: Database, poison: bytes
) -> None:
    inbox = make_inbox(database)
    assert inbox.receive([body("a"), poison, body("b")]) == [True, False, True]
    assert effects(database) == ["a", "b"]
    assert parked.list_parked(database) == []


@pytest.mark.parametrize(
    "poison",
    [
        body("x", type="case.withdrawn.v7"),
        body("x", data=msgspec.Raw(b'{"case_no": 1}')),
        body("x", data=msgspec.Raw(b"[]")),
    ],
    ids=["unknown major", "wrong type", "no object"],
)
def test_what_no_retry_can_mend_is_parked_at_once_and_its_neighbours_are_handled(
    database: Database, poison: bytes
) -> None:
    inbox = make_inbox(database)
    assert inbox.receive([body("a"), poison, body("b")]) == [True, True, True]
    assert effects(database) == ["a", "b"]
    [message] = parked.list_parked(database)
    assert (message["subscription"], message["attempt"]) == ("audit.effects", 1)
    [shown] = parked.show_parked(database, message["event_id"])
    assert shown["body"] == poison
    assert inbox.receive([poison]) == [True]
    assert len(parked.list_parked(database)) == 1


def test_what_a_handler_cannot_store_is_retried_and_parked_whatever_the_error_says(database: Database) -> None:
    def act(tx: Tx, event: Any) -> None:
        if event.case_no == "bad":
            raise RuntimeError("\ud800 \0" + "x" * 5_000)
        leave_effect(tx, database, event.case_no)

    inbox = make_inbox(database, act)
    assert inbox.receive([body("a"), body("bad"), body("b")]) == [True, True, True]
    assert effects(database) == ["a", "b"]
    inbox.retries.start()
    [message] = eventually(lambda: parked.list_parked(database))
    inbox.retries.stop()
    inbox.retries.join()
    assert message["attempt"] == 3
    assert "\0" not in message["error"]


def test_one_bad_message_in_a_full_batch_costs_few_transactions(database: Database) -> None:
    attempts: list[int] = []

    def act(tx: Tx, event: Any) -> None:
        attempts.append(1)
        if event.case_no == "040":
            raise ValueError(event.case_no)
        leave_effect(tx, database, event.case_no)

    numbers = [f"{number:03}" for number in range(64)]
    make_inbox(database, act).receive([body(number) for number in numbers])
    assert effects(database) == [number for number in numbers if number != "040"]
    assert len(attempts) < 64 * 7


def test_a_newer_attempt_does_not_undo_what_another_process_did(database: Database) -> None:
    """Two workers find the same due row; the one that comes second finds it gone."""
    failing = [True]

    def act(tx: Tx, event: Any) -> None:
        if failing:
            raise ValueError
        leave_effect(tx, database, event.case_no)

    inboxes = [make_inbox(database, act) for _ in range(2)]
    inboxes[0].receive([body("a")])
    with database.read() as connection:
        row = connection.execute(sa.select(database.retries)).one()
    failing.clear()
    threads = [threading.Thread(target=inbox._retry, args=(row,)) for inbox in inboxes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert effects(database) == ["a"]


def test_the_same_message_on_two_consumers_at_once_has_one_effect(database: Database) -> None:
    messages = [body(f"{number:02}") for number in range(20)]
    inboxes = [make_inbox(database) for _ in range(4)]
    threads = [threading.Thread(target=inbox.receive, args=(messages,)) for inbox in inboxes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert effects(database) == [f"{number:02}" for number in range(20)]
    assert len(told(database)) == 20


def test_bindings_that_an_older_release_left_on_the_queue_are_ignored(database: Database) -> None:
    from contracts.case import CaseClosed

    message = encode(seal(CaseClosed(case_no="a", licence_no="x"), event_id="e", source="workflow", time=clock.now()))
    assert make_inbox(database).receive([message]) == [True]
    assert (effects(database), parked.list_parked(database)) == ([], [])


def test_a_commit_that_is_cut_is_tried_again_and_has_one_effect(postgresql: PostgreSQL, postgresql_url: str) -> None:
    database = make_database("audit", postgresql_url)
    name = str(sa.make_url(postgresql_url).database)
    cuts = [1, 1]

    def act(tx: Tx, event: Any) -> None:
        leave_effect(tx, database, event.case_no)
        if cuts:
            cuts.pop()
            postgresql.cut_sessions(name)

    inbox = make_inbox(database, act)
    messages = [body("a"), body("b")]
    for _ in range(2):
        with pytest.raises(sa.exc.DBAPIError):
            inbox.receive(messages)
        assert effects(database) == []
    assert inbox.receive(messages) == [True, True]
    assert effects(database) == ["a", "b"]
    with database.read() as connection:
        assert connection.execute(sa.select(database.retries)).fetchall() == []


def test_a_killed_postgresql_costs_nothing(postgresql: PostgreSQL, postgresql_url: str) -> None:
    database = make_database("audit", postgresql_url)
    inbox = make_inbox(database)
    inbox.receive([body("a")])
    postgresql.kill()
    message = body("b")
    with pytest.raises(sa.exc.OperationalError):
        inbox.receive([message])
    postgresql.restart()
    assert inbox.receive([message]) == [True]
    assert effects(database) == ["a", "b"]
