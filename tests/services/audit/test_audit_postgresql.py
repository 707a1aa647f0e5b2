"""What only a real PostgreSQL can show: several writers and judges at once."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from contracts.case import CaseClosed
from contracts.supervision import CardRaised, RatingGiven
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


def test_figures_add_up_when_consumers_share_the_work(on_postgresql: Any, say: Any) -> None:
    cases = [say.CASE[:-2] + f"{n:02}" for n in range(40)]
    bodies = [
        envelope_bytes(event, source=source, caseseq=number)
        for case_no in cases
        for event, source, number in say.whole_case(case_no)
        if source in {"workflow", "documents"}
    ]
    random.Random(3).shuffle(bodies)
    batches = [bodies[start : start + 10] for start in range(0, len(bodies), 10)]
    consumers = [
        lambda mine=batches[n::4]: [deliver(SERVICE, "audit.figures", *batch) for batch in mine] for n in range(4)
    ]
    backwards = lambda: [deliver(SERVICE, "audit.figures", *reversed(batch)) for batch in reversed(batches)]  # noqa: E731
    at_once(*consumers, backwards)

    with models.db.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(models.db.retries)).scalar_one() == 0
        open_cases = sa.select(models.case_states).where(models.case_states.c.state.is_not(None))
        assert connection.execute(open_cases).fetchall() == []
    shown = on_postgresql.get("/api/v1/figures").get_json()
    assert {shown["totals"][figure] for figure in ("submitted", "accepted", "approved", "closed")} == {40}
    assert shown["on_time"] == {"answered": 40, "late": 0}
    assert shown["by_item"] == [{"item_code": say.CASE[:31], "submitted": 40, "closed": 40}]


def test_of_ratings_given_at_once_one_counts(on_postgresql: Any, tokens: Tokens, say: Any) -> None:
    deliver(SERVICE, "audit.ledger", envelope_bytes(say.submitted(), source="workflow", caseseq=1))
    closed = CaseClosed(case_no=say.CASE, licence_no="L")
    deliver(SERVICE, "audit.supervision", envelope_bytes(closed, source="workflow", caseseq=2))
    answers: list[int] = []

    def rate(level: int) -> None:
        headers = tokens.headers("ratings:write", party=say.APPLICANT) | {"Idempotency-Key": str(level)}
        body = {"case_no": say.CASE, "level": level, "aspects": ["speed"], "comment": "很好"}
        answers.append(on_postgresql.post("/api/v1/ratings", json=body, headers=headers).status_code)

    at_once(*[lambda level=level: rate(level) for level in range(1, 6)])
    assert sorted(answers) == [201, 409, 409, 409, 409]
    [given] = told(models.db, RatingGiven)
    supervisor = tokens.headers("ratings:read", kind="supervisor")
    stored = on_postgresql.get(f"/api/v1/ratings/{say.CASE}", headers=supervisor).get_json()
    assert (stored["level"], stored["aspects"], stored["comment"]) == (given.level, ["speed"], "很好")


def test_figures_and_board_read_no_table_from_end_to_end(on_postgresql: Any, tokens: Tokens) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    sa.event.listen(models.db.engine, "before_cursor_execute", note)
    assert on_postgresql.get("/api/v1/figures").status_code == 200
    supervisor = tokens.headers("board:read", kind="supervisor")
    assert on_postgresql.get("/api/v1/board", headers=supervisor).status_code == 200
    sa.event.remove(models.db.engine, "before_cursor_execute", note)
    assert len(asked) >= 8
    with models.db.read() as connection:
        for statement, parameters in asked:
            plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars())
            assert "Seq Scan" not in plan, plan
