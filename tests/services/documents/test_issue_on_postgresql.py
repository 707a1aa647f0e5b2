"""Several workers on one PostgreSQL: numbers stay unique and without gaps, licences single, and nobody deadlocks."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from contracts.licence import LicenceIssued, MaterialStored
from services.documents.domain.licence_number import parse
from services.documents.models import db, licences, materials
from services.documents.service import SERVICE
from services.documents.use_cases.store_material import store_material
from tests.factories.items import ITEM_CODE, make_item
from tests.factories.licences import approved, published, registered
from tests.support import Tokens, bind, deliver, envelope_bytes, make_app, make_runtime, told


def set_up(folder: Path, url: str) -> None:
    bind(SERVICE, folder, url)
    make_app(SERVICE, make_runtime(SERVICE, folder, Tokens()))
    deliver(SERVICE, "documents.copies", envelope_bytes(published(), source="catalog"))
    deliver(SERVICE, "documents.copies", envelope_bytes(registered(), source="identity"))


def at_once(*works: Any) -> None:
    ready = threading.Barrier(len(works))

    def run(work: Any) -> None:
        ready.wait()
        work()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_batches_that_cross_issue_each_licence_once(tmp_path: Path, postgresql_url: str) -> None:
    set_up(tmp_path, postgresql_url)
    kinds = [msgspec.structs.replace(make_item().result, type_code=f"11100000000013338W01{n}") for n in range(3)]
    decisions = [approved(case_no=f"case-{n}", licence=kinds[n % 3]) for n in range(12)]

    def worker(batch: list[Any]) -> Any:
        bodies = [envelope_bytes(decision, source="workflow") for decision in batch]
        return lambda: deliver(SERVICE, "documents.licences", *bodies)

    at_once(worker(decisions), worker(decisions[::-1]), worker(decisions[6:] + decisions[:6]))
    with db.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(db.retries)).scalar_one() == 0
        rows = connection.execute(sa.select(licences)).fetchall()
    assert sorted(row.case_no for row in rows) == sorted(decision.case_no for decision in decisions)
    assert sorted(event.licence_no for event in told(db, LicenceIssued)) == sorted(row.licence_no for row in rows)
    serials = Counter((parse(row.licence_no).type_code, int(parse(row.licence_no).serial)) for row in rows)
    assert set(serials) == {(kind.type_code, n) for kind in kinds for n in (1, 2, 3, 4)}


def test_the_same_upload_at_once_is_one_material(tmp_path: Path, postgresql_url: str) -> None:
    set_up(tmp_path, postgresql_url)
    ids: list[str] = []

    def upload() -> None:
        with db.transaction() as tx:
            row = store_material(
                tx,
                owner_id="p-1",
                item_code=ITEM_CODE,
                code="application",
                media_type="application/pdf",
                size_bytes=1,
                sha256="0" * 64,
            )
        ids.append(row.material_id)

    at_once(*[upload] * 6)
    with db.read() as connection:
        assert len(connection.execute(sa.select(materials)).fetchall()) == 1
    assert len(ids) == 6
    assert len(set(ids)) == len(told(db, MaterialStored)) == 1
