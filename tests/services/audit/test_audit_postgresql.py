"""What only a real PostgreSQL can show: several writers and judges at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from contracts.supervision import CardRaised
from services.audit import jobs, models
from services.audit.adapters.ledger_key import KEY
from services.audit.service import SERVICE
from tests.support import Tokens, bind, deliver, envelope_bytes, make_app, make_runtime, told
from verify.ledger import verify_trail

pytestmark = pytest.mark.servers


@pytest.fixture
def on_postgresql(postgresql_url: str, tmp_path: Path, tokens: Tokens) -> Any:
    bind(SERVICE, tmp_path, postgresql_url)
    yield make_app(SERVICE, make_runtime(SERVICE, tmp_path, tokens)).test_client()
    models.db.engine.dispose()


def at_once(*actions: Callable[[], object]) -> None:
    """Run each in its own thread, hence on its own connection; the first error comes out."""
    errors: list[Exception] = []

    def run(action: Callable[[], object]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_concurrent_batches_leave_no_gap_and_checkpoints_hold(on_postgresql: Any, tokens: Tokens, say: Any) -> None:
    cases = [say.CASE[:-2] + f"{n:02}" for n in range(24)]
    bodies = [
        envelope_bytes(event, source=source, caseseq=number)
        for case_no in cases
        for event, source, number in say.whole_case(case_no)
    ]
    batches = [bodies[start : start + 12] for start in range(0, len(bodies), 12)]
    writers = [
        lambda mine=batches[n::4]: [deliver(SERVICE, "audit.ledger", *batch) for batch in mine] for n in range(4)
    ]
    doubled = lambda: [deliver(SERVICE, "audit.ledger", *batch) for batch in batches]  # noqa: E731
    at_once(*writers, doubled, *[lambda: [jobs.sign() for _ in range(10)]] * 2)
    jobs.sign()

    with models.db.read() as connection:
        seqs = connection.execute(sa.select(models.entries.c.seq).order_by(models.entries.c.seq)).scalars().all()
        checkpoints = connection.execute(sa.select(models.checkpoints.c.size)).scalars().all()
        assert connection.execute(sa.select(sa.func.count()).select_from(models.db.retries)).scalar_one() == 0
    assert seqs == list(range(len(bodies)))
    assert max(checkpoints) == len(bodies)
    for case_no in cases[::6]:
        headers = tokens.headers("trails:read", kind="supervisor")
        result = verify_trail(on_postgresql.get(f"/api/v1/trails/{case_no}", headers=headers).get_json(), KEY.vkey)
        assert (result.failures, result.events) == ([], 9)


def test_judges_and_handlers_at_once_raise_each_card_once(
    on_postgresql: Any, set_clock: Callable[[datetime], None], say: Any
) -> None:
    tasks = [f"{say.CASE}-police-{n}" for n in range(60)]
    assignments = [envelope_bytes(say.assigned(task, date(2026, 1, 8)), source="workflow") for task in tasks]
    set_clock(datetime(2026, 2, 1, tzinfo=UTC))
    answers = [envelope_bytes(say.recorded(task, late=True), source="workflow") for task in tasks[::2]]
    at_once(
        lambda: deliver(SERVICE, "audit.supervision", *assignments[:30]),
        lambda: deliver(SERVICE, "audit.supervision", *reversed(assignments)),
        lambda: deliver(SERVICE, "audit.supervision", *answers),
        *[lambda: [jobs.judge() for _ in range(5)]] * 3,
    )
    jobs.judge()
    cards = [(card.level, card.task_id) for card in told(models.db, CardRaised)]
    assert sorted(cards) == sorted((level, task) for task in tasks for level in ("yellow", "red"))
