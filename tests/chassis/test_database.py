"""Transaction, outbox and relay on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest
import sqlalchemy as sa

from chassis import clock
from chassis.bus import BusUnavailable, Outgoing
from chassis.db import Database, Tx
from chassis.embedded_bus import EmbeddedBus
from chassis.faults import database_away
from chassis.outbox import Relay, prune, waiting
from contracts.case import CaseClosed
from contracts.envelope import FOR_THE_RECORD_S, decode_envelope
from localservers.postgresql import PostgreSQL
from tests.chassis.rig import effects, leave_effect, make_database, withdrawn


@pytest.fixture
def database(database_url: str) -> Database:
    return make_database("workflow", database_url)


class Recording(EmbeddedBus):
    """The embedded bus with one subscriber that writes down what it is given; may be told to fail after it got it."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[str] = []
        self.fails = False

    def publish(self, messages: Sequence[Outgoing]) -> set[str]:
        self.given += [message.event_id for message in messages]
        if self.fails:
            raise BusUnavailable("cut before the confirm")
        return {message.event_id for message in messages}


def sent(database: Database) -> list[tuple[str, bool]]:
    o = database.outbox
    with database.read() as connection:
        rows = connection.execute(sa.select(o.c.event_id, o.c.sent_at).order_by(o.c.position))
        return [(row.event_id, row.sent_at is not None) for row in rows]


def error_of(database: Database, *acts: Callable[[Tx], object]) -> sa.exc.DBAPIError:
    """The error of a transaction that does ``acts``."""

    def run() -> None:
        with database.transaction() as tx:
            for act in acts:
                act(tx)

    with pytest.raises(sa.exc.DBAPIError) as caught:
        run()
    return caught.value


def test_what_is_told_commits_with_the_state_and_wakes_the_relay(database: Database) -> None:
    woken: list[float] = []
    database.after_commit = woken.append
    with database.transaction() as tx:
        leave_effect(tx, database, "a")
        event_id = tx.tell(withdrawn("a"))
        assert woken == []
    assert woken == [0.0]
    assert effects(database) == ["a"]
    assert sent(database) == [(event_id, False)]
    with database.read() as connection:
        envelope = decode_envelope(connection.execute(sa.select(database.outbox.c.body)).scalar_one())
    assert (envelope.id, envelope.source, envelope.subject) == (event_id, "workflow", "a")


def test_the_relay_may_wait_as_long_as_the_most_urgent_event(database: Database) -> None:
    patient = CaseClosed(case_no="a", licence_no="1")
    asked: list[float] = []
    database.after_commit = asked.append
    with database.transaction() as tx:
        tx.tell(patient)
    with database.transaction() as tx:
        tx.tell(patient)
        tx.tell(withdrawn("a"))
    assert asked == [FOR_THE_RECORD_S, 0.0]


def test_nothing_is_told_or_kept_when_the_transaction_fails(database: Database) -> None:
    done: list[str] = []
    database.after_commit = lambda _: done.append("woken")

    def fail() -> None:
        with database.transaction() as tx:
            leave_effect(tx, database, "a")
            tx.tell(withdrawn("a"))
            tx.on_commit.append(lambda: done.append("acted"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (effects(database), sent(database), done) == ([], [], [])
    with database.transaction() as tx:
        leave_effect(tx, database, "b")
    assert effects(database) == ["b"]


def test_two_relays_at_once_send_everything_and_mark_it(database: Database) -> None:
    for number in range(600):
        with database.transaction() as tx:
            tx.tell(withdrawn(str(number)))
    bus = Recording()
    relays = [Relay(database, bus) for _ in range(2)]
    threads = [threading.Thread(target=relay.step) for relay in relays]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = sent(database)
    assert all(is_sent for _, is_sent in told)
    assert set(bus.given) == {event_id for event_id, _ in told}
    if database.is_postgresql:
        assert len(bus.given) == len(told)


def test_a_relay_skips_what_another_has_in_hand(postgresql_url: str) -> None:
    database = make_database("workflow", postgresql_url)
    with database.transaction() as tx:
        tx.tell(withdrawn("a"))
    bus = Recording()
    with database.writing() as other:
        other.execute(sa.select(database.outbox).with_for_update()).fetchall()
        Relay(database, bus).step()
        assert bus.given == []
    Relay(database, bus).step()
    assert len(bus.given) == 1


def test_what_was_published_without_a_confirm_is_sent_again(database: Database) -> None:
    with database.transaction() as tx:
        event_id = tx.tell(withdrawn("a"))
    bus = Recording()
    relay = Relay(database, bus)
    bus.fails = True
    with pytest.raises(BusUnavailable):
        relay.step()
    assert sent(database) == [(event_id, False)]
    assert relay.trouble == "cut before the confirm"
    bus.fails = False
    relay.step()
    assert bus.given == [event_id, event_id]
    assert sent(database) == [(event_id, True)]
    assert relay.trouble is None


def test_an_event_that_commits_late_is_not_passed_over(postgresql_url: str) -> None:
    """Positions come from a sequence and commit out of order: a relay that remembers the last one would lose this."""
    database = make_database("workflow", postgresql_url)
    relay = Relay(database, Recording())
    slow = database.transaction()
    tx = slow.__enter__()
    tx.tell(withdrawn("early"))
    tx.write_outbox()
    with database.transaction() as quick:
        quick.tell(withdrawn("late"))
    relay.step()
    assert waiting(database) == 0
    tx._told.clear()
    slow.__exit__(None, None, None)
    relay.step()
    assert [is_sent for _, is_sent in sent(database)] == [True, True]


def test_only_what_was_sent_long_ago_is_pruned(database: Database) -> None:
    from datetime import timedelta

    with database.transaction() as tx:
        tx.tell(withdrawn("old"))
    Relay(database, Recording()).step()
    with database.transaction() as tx:
        unsent = tx.tell(withdrawn("unsent"))
    assert prune(database, older_than=timedelta(days=1)) == 0
    assert prune(database, older_than=timedelta(seconds=-1)) == 1
    assert sent(database) == [(unsent, False)]


def test_a_plan_made_while_the_tables_are_empty_goes_by_the_index(postgresql_url: str) -> None:
    """PostgreSQL keeps such a plan; by the time it is analysed again the tables may hold thousands of rows."""
    database = make_database("workflow", postgresql_url)
    with database.read() as connection:
        connection.execute(sa.text("SET LOCAL plan_cache_mode = force_generic_plan"))
        connection.execute(
            sa.text("PREPARE by_key AS SELECT * FROM inbox WHERE event_id = ANY($1) AND subscription = $2")
        )
        plan = "\n".join(connection.execute(sa.text("EXPLAIN EXECUTE by_key('{a,b}', 's')")).scalars())
    assert "Index" in plan
    assert "Seq Scan" not in plan


def test_options_in_the_url_win_over_ours(postgresql_url: str) -> None:
    database = make_database("workflow", f"{postgresql_url}?options=-c%20enable_seqscan%3Don")
    with database.read() as connection:
        shown = [connection.execute(sa.text(f"SHOW {name}")).scalar_one() for name in ("enable_seqscan", "jit")]
    assert shown == ["on", "off"]


def test_writers_of_one_process_take_turns(database: Database) -> None:
    def write(number: int) -> None:
        for step in range(25):
            with database.transaction() as tx:
                leave_effect(tx, database, f"{number}-{step}")
                tx.tell(withdrawn("x"))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(effects(database))) == 200
    assert waiting(database) == 200


def test_an_error_of_the_statement_is_not_the_databases(database: Database) -> None:
    for statement in ("SELECT * FROM nowhere", "INSERT INTO outbox (position) VALUES ('x')", "SELEC"):
        assert not database_away(error_of(database, lambda tx, text=statement: tx.execute(sa.text(text))))
    again = {"event_id": "e", "subscription": "s", "handled_at": clock.now()}
    assert not database_away(error_of(database, *[lambda tx: tx.execute(sa.insert(database.inbox), again)] * 2))
    assert not database_away(ValueError())


def test_what_is_too_large_for_an_index_and_a_deadlock_are_not_the_databases_fault(postgresql_url: str) -> None:
    """Both are OperationalError, as a lost connection is. Taken for one they would hold the queue up for ever."""
    import random

    database = make_database("workflow", postgresql_url)
    with database.transaction() as tx:
        tx.execute(sa.text("CREATE TABLE t (k text UNIQUE)"))
    letters = "".join(random.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=50_000))
    too_large = error_of(database, lambda tx: tx.execute(sa.text("INSERT INTO t VALUES (:k)"), {"k": letters}))
    assert isinstance(too_large, sa.exc.OperationalError)
    assert not database_away(too_large)
    assert letters[:50] not in str(too_large)

    with database.transaction() as tx:
        tx.execute(sa.text("INSERT INTO t VALUES ('a'), ('b')"))
    both, errors = threading.Barrier(2), []

    def lock(first: str, second: str) -> None:
        try:
            with database.transaction() as tx:
                tx.execute(sa.text("SELECT 1 FROM t WHERE k = :k FOR UPDATE"), {"k": first})
                both.wait(20)
                tx.execute(sa.text("SELECT 1 FROM t WHERE k = :k FOR UPDATE"), {"k": second})
        except sa.exc.OperationalError as error:
            errors.append(error)

    threads = [threading.Thread(target=lock, args=order) for order in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [error] = errors
    assert not database_away(error)


def test_a_cut_connection_and_a_dead_server_are_the_databases_fault(
    postgresql: PostgreSQL, postgresql_url: str
) -> None:
    database = make_database("workflow", postgresql_url)
    name = str(sa.make_url(postgresql_url).database)

    def write(tx: Tx) -> None:
        leave_effect(tx, database, "lost")

    def cut(_tx: Tx) -> None:
        assert postgresql.cut_sessions(name) > 0

    assert database_away(error_of(database, write, cut, write))
    assert database_away(error_of(database, write, cut))  # COMMIT is the statement that finds out
    assert database_away(error_of(database, lambda tx: tx.execute(sa.text("SET TRANSACTION READ ONLY")), write))

    nowhere = Database("workflow")
    nowhere.bind("postgresql+psycopg://x:y@127.0.0.1:1/z")
    assert database_away(error_of(nowhere))
    with database.transaction() as tx:
        leave_effect(tx, database, "d")
    assert effects(database) == ["d"]
