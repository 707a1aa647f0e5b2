"""A case file comes back as it was saved, on both databases, and cases of an older version go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from alembic import command

from chassis import clock
from chassis.migrate import config_for, upgrade
from contracts.item import Limit, SpecialProcedure
from services.workflow.adapters import case_store
from services.workflow.adapters.holidays import holiday_calendar
from services.workflow.adapters.items import keep_item
from services.workflow.domain.case_parts import Doer
from services.workflow.domain.special_procedure import begin_special_procedure, extend
from services.workflow.models import db
from services.workflow.service import SERVICE
from services.workflow.use_cases.fire_deadlines import fire_deadlines
from tests.factories.items import ITEM_CODE, make_item
from tests.services.workflow.conftest import Desk, make_desk
from tests.services.workflow.pure import rule, with_steps

WORK_OF_ONE_UNIT = {"transitions", "events", "touched", "added_materials", "changed", "version", "event_seq"}
HIDDEN = {"_latest", "_latest_of"}


@pytest.fixture(params=["sqlite", "postgresql"])
def any_desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    url = request.getfixturevalue("postgresql_url") if request.param == "postgresql" else None
    yield from make_desk(tmp_path, url)
    db.engine.dispose()


def test_a_case_file_comes_back_as_it_was_saved(any_desk: Desk) -> None:
    review = SpecialProcedure(code="r", name="评审", name_en="review", longest=Limit(amount=20))
    item = msgspec.structs.replace(
        with_steps(make_item(version=2), police_opinion={"officers": 2}),
        special_procedures=(review,),
        delivery_ways=("post",),
        materials=(rule("application"), rule("tax", later_working_days=10)),
    )
    any_desk.publish(item)
    case_no = any_desk.submit(later=["tax"], delivery_address="某路1号").json["case_no"]
    any_desk.agree(case_no, ("education", "accept"))
    any_desk.answer("police", f"{case_no}-police_opinion-1", officer="李", conditions=["限速"])
    any_desk.answer("transport", f"{case_no}-transport_opinion-1", conditions=["限速"])
    lead = Doer("education", name="王", channel="web")
    with db.transaction() as tx:
        file = case_store.load(tx, [case_no])[case_no]
        more = {"by": lead, "now": tx.now, "calendar": holiday_calendar}
        extend(file, reason="复杂", approved_by="周", rank="agency_head", **more)
        begin_special_procedure(file, "r", Limit(amount=7), reason="论证", **more)
        case_store.tell(tx, file)
        case_store.save(tx, [file])
    with db.transaction() as tx:
        again = case_store.load(tx, [case_no])[case_no]
    for part in fields(file):
        if part.name not in WORK_OF_ONE_UNIT | HIDDEN:
            assert getattr(again, part.name) == getattr(file, part.name), part.name
    assert (len(again.clock.stops), again.clock.extended is not None, again.promises[0].material_code) == (
        1,
        True,
        "tax",
    )
    assert len(again.tasks[f"{case_no}-police_opinion-1"].signatures) == 1
    assert again.tasks[f"{case_no}-transport_opinion-1"].conditions == ("限速",)


def insert(connection: sa.Connection, table: str, **row: Any) -> None:
    names = ", ".join(f'"{name}"' for name in row)
    places = ", ".join(f":{name}" for name in row)
    connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({places})"), row)


def test_a_case_that_an_older_version_took_in_is_loaded_and_its_five_days_run(tmp_path: Path) -> None:
    db.bind(f"sqlite:///{tmp_path}/old.sqlite")
    config = config_for(SERVICE.migrations)
    config.attributes["database"] = db
    command.upgrade(config, "0005")
    case_no, at = f"{ITEM_CODE}202611020001", "2026-11-02 02:00:00.000000"
    with db.writing() as connection:
        insert(
            connection,
            "cases",
            case_no=case_no, item_code=ITEM_CODE, item_version=1, applicant_id="p-1", submitted_by="p-1", channel="web",
            form='{"plate": "鲁A12345"}', state="received", submitted_at=at, accept_by="2026-11-09", provisional=0,
            correction_used=0, version=1, event_seq=2,
        )  # fmt: skip
        insert(
            connection,
            "tasks",
            task_id=f"{case_no}-accept-1", case_no=case_no, step="accept", step_name="受理", kind="acceptance", round=1,
            department="education", state="open", due_on="2026-11-09", assigned_at=at, ring_at=at, rings=1,
        )  # fmt: skip
    upgrade(db, SERVICE.migrations)
    clock_file = tmp_path / "clock"
    clock.follow(clock_file)
    try:
        with db.transaction() as tx:
            keep_item(tx, make_item(), tx.now.date())
        clock.advance(clock_file, timedelta(days=30))
        with db.transaction() as tx:
            assert fire_deadlines(tx) is False
        with db.transaction() as tx:
            file = case_store.load(tx, [case_no])[case_no]
    finally:
        clock.follow(None)
        db.engine.dispose()
    assert (file.state, file.mode, file.delivery_way, str(file.accepted_on)) == (
        "under_examination",
        "ordinary",
        "electronic",
        "2026-11-02",
    )
    assert sorted(task.step for task in file.open_tasks()) == ["police_opinion", "transport_opinion"]
