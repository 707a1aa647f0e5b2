"""Reports to hubs: every fact once and in order, whatever fails; and the reconciliation that proves it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from flask.testing import FlaskClient
from msgspec.structs import replace

from chassis.db import Database
from localservers.exchange_hub import REQUESTER, SERVICE, ExchangeHub
from localservers.postgresql import PostgreSQL
from services.audit import jobs
from services.audit import service as audit
from services.audit.adapters.connectors import Connector, ConnectorsInvalid, HubFailed, read_connectors
from services.audit.adapters.reporting import REPORTING
from services.audit.models import exchange_batches, openings
from services.audit.use_cases.make_batch import make_batch
from services.audit.use_cases.send_batches import reconcile
from tests.support import Tokens, bind, deliver, envelope_bytes, make_app, make_runtime

OWN_KEY = b"0123456789abcdef"


@pytest.fixture
def hub() -> Iterator[ExchangeHub]:
    with ExchangeHub(OWN_KEY) as hub:
        yield hub


@pytest.fixture
def connectors_file(tmp_path: Path, hub: ExchangeHub) -> Path:
    (tmp_path / "own.key").write_bytes(OWN_KEY + b"\n")
    common = {"url": hub.url, "requester": REQUESTER, "service": SERVICE, "records": 4, "every_s": 1}
    entries = [
        common | {"name": "province", "key_file": str(tmp_path / "own.key")},
        common | {"name": "nation", "key_url": f"{hub.url}/key", "app_key_file": str(tmp_path / "own.key")},
    ]
    file = tmp_path / "connectors.yaml"
    file.write_text(yaml.safe_dump(entries))
    return file


@pytest.fixture
def province(connectors_file: Path) -> Connector:
    return read_connectors(connectors_file)[0]


@pytest.fixture
def reporting(database: Database, connectors_file: Path, tmp_path: Path, tokens: Tokens) -> Iterator[FlaskClient]:
    """Audit with its connectors."""
    runtime = make_runtime(audit.SERVICE, tmp_path, tokens, connectors_file=connectors_file)
    yield make_app(audit.SERVICE, runtime).test_client()
    REPORTING.load(None)


def append(events: list[Any]) -> None:
    deliver(
        audit.SERVICE, "audit.ledger", *(envelope_bytes(e, source=source, caseseq=seq) for e, source, seq in events)
    )


def batches(database: Database) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(sa.select(exchange_batches).order_by(exchange_batches.c.serial)).fetchall())


def told(hub: ExchangeHub) -> list[tuple[str, str]]:
    """(table, op) of every record that the hub holds, in the order of the batches."""
    return [(record["table"], record["op"]) for number in sorted(hub.batches) for record in hub.batches[number]]


WHOLE_CASE = [
    ("accept", "I"), ("accept", "U"), ("process", "I"), ("process", "I"), ("result", "I"),
]  # fmt: skip


def test_a_whole_case_reaches_the_hub_in_order(
    database: Database, hub: ExchangeHub, province: Connector, say: SimpleNamespace
) -> None:
    append(say.whole_case())
    jobs.report_to(province)
    assert told(hub) == WHOLE_CASE
    records = [record for number in sorted(hub.batches) for record in hub.batches[number]]
    assert {record["project_no"] for record in records} == {say.CASE}
    assert records[-1]["result_type"] == "0"
    assert records[-1]["result_cetr_no"] == "L-1"
    assert len({record["record_no"] for record in records}) == len(records)
    assert [row.state for row in batches(database)] == ["sent"] * len(hub.batches)


def test_no_record_names_a_person(
    database: Database, hub: ExchangeHub, province: Connector, say: SimpleNamespace
) -> None:
    append(say.whole_case())
    jobs.report_to(province)
    assert hub.batches
    for secret in (say.APPLICANT, "张三丰", "person-li", "officer-zhao", "officer-wang"):
        assert secret not in repr(hub.batches)


def test_what_is_told_later_goes_into_the_next_batch(
    database: Database, hub: ExchangeHub, province: Connector, say: SimpleNamespace
) -> None:
    jobs.report_to(province)
    assert batches(database) == []
    append(say.whole_case()[:1])
    jobs.report_to(province)
    append(say.whole_case()[1:])
    jobs.report_to(province)
    jobs.report_to(province)
    assert told(hub) == WHOLE_CASE


def test_a_hub_that_is_away_gets_everything_once_it_is_back(
    database: Database, hub: ExchangeHub, province: Connector, say: SimpleNamespace, set_clock: Any
) -> None:
    hub.away = True
    append(say.whole_case())
    jobs.report_to(province)
    first = batches(database)[0]
    assert (first.state, first.attempts, first.error) == ("waiting", 1, "status 200: away")
    assert hub.batches == {}
    hub.away = False
    jobs.report_to(province)
    assert hub.batches == {}, "not before its time"
    set_clock(first.next_try_at + timedelta(minutes=10))
    jobs.report_to(province)
    assert told(hub) == WHOLE_CASE


def test_a_batch_whose_sender_died_goes_again_under_its_number(
    database: Database, hub: ExchangeHub, province: Connector, say: SimpleNamespace, set_clock: Any
) -> None:
    append(say.whole_case())
    send = province.send

    def send_and_die(batch_no: str, records: Any) -> None:
        send(batch_no, records)
        raise KeyboardInterrupt

    province.send = send_and_die  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        jobs.report_to(province)
    province.send = send  # type: ignore[method-assign]
    assert len(hub.taken) == 1
    set_clock(batches(database)[0].next_try_at + timedelta(seconds=1))
    jobs.report_to(province)
    assert hub.taken[0] == hub.taken[1]
    assert told(hub) == WHOLE_CASE


def test_reconciliation_sends_again_what_the_hub_lost_or_changed(
    database: Database, hub: ExchangeHub, province: Connector, say: SimpleNamespace
) -> None:
    append(say.whole_case() + say.whole_case(say.CASE[:-1] + "2"))
    jobs.report_to(province)
    lost, changed, *_ = numbers = sorted(hub.batches)
    kept = deepcopy(hub.batches)
    del hub.batches[lost]
    hub.batches[changed][0]["project_no"] = "another"
    assert reconcile(province) == 2
    rows = {row.batch_no: row for row in batches(database)}
    assert (rows[lost].state, rows[lost].resent, rows[lost].error) == ("waiting", 1, "not found at the hub")
    assert (rows[changed].state, rows[changed].error) == ("waiting", "differs at the hub")
    assert {rows[number].state for number in numbers[2:]} == {"confirmed"}
    jobs.report_to(province)
    assert hub.batches == kept
    assert reconcile(province) == 0
    assert {row.state for row in batches(database)} == {"confirmed"}


def test_an_erased_payload_is_left_out_and_stops_nothing(
    database: Database, hub: ExchangeHub, province: Connector, say: SimpleNamespace
) -> None:
    append(say.whole_case())
    with database.transaction() as tx:
        tx.execute(sa.delete(openings).where(openings.c.seq == 0))
    jobs.report_to(province)
    assert told(hub) == WHOLE_CASE[1:]


def test_two_makers_at_once_make_each_record_part_of_one_batch(
    postgresql: PostgreSQL, tmp_path: Path, say: SimpleNamespace
) -> None:
    postgresql.create_database("exchange")
    database = bind(audit.SERVICE, tmp_path, postgresql.url("exchange"))
    for number in range(1, 9):
        append(say.whole_case(say.CASE[:-1] + str(number)))

    def make() -> None:
        more = True
        while more:
            with database.transaction() as tx:
                more = make_batch(tx, "province", 4)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = batches(database)
    assert [row.serial for row in rows] == list(range(1, len(rows) + 1))
    assert all(before.to_seq <= after.from_seq for before, after in pairwise(rows))
    assert sum(row.records for row in rows) == 8 * len(WHOLE_CASE)


def test_the_signing_key_is_fetched_and_used(
    database: Database, hub: ExchangeHub, connectors_file: Path, say: SimpleNamespace
) -> None:
    nation = read_connectors(connectors_file)[1]
    append(say.whole_case())
    jobs.report_to(nation)
    assert told(hub) == WHOLE_CASE
    assert reconcile(nation) == 0


def test_a_hub_refuses_another_key_another_service_and_an_old_request(
    hub: ExchangeHub, connectors_file: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    province = read_connectors(connectors_file)[0]
    entry = province._entry
    (tmp_path / "wrong.key").write_bytes(b"fedcba9876543210")
    for wrong in (
        replace(entry, key_file=str(tmp_path / "wrong.key")),
        replace(entry, service="another"),
        replace(entry, requester="another"),
    ):
        with pytest.raises(HubFailed):
            Connector(wrong).held(["x"])
    monkeypatch.setattr("services.audit.adapters.connectors.time", SimpleNamespace(time=lambda: 1_700_000_000.0))
    with pytest.raises(HubFailed, match="time window"):
        province.held(["x"])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "Bad Name"}, "name"),
        ({"url": "ftp://hub"}, "url"),
        ({"key_file": None}, "key_file"),
        ({"key_url": "http://hub/key", "app_key_file": "k"}, "key_file"),
        ({"surplus": 1}, "surplus"),
    ],
)
def test_a_wrong_connectors_file_says_what_is_wrong(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    entry = {"name": "province", "url": "http://hub", "requester": "r", "service": "s", "key_file": "k"} | changes
    file = tmp_path / "connectors.yaml"
    file.write_text(yaml.safe_dump([{name: value for name, value in entry.items() if value is not None}]))
    with pytest.raises(ConnectorsInvalid, match=says):
        read_connectors(file)


def test_the_report_says_how_far_each_hub_is(
    reporting: FlaskClient, hub: ExchangeHub, tokens: Tokens, say: SimpleNamespace
) -> None:
    append(say.whole_case())
    jobs.report_to(REPORTING.connectors[0])
    headers = tokens.headers("exchange:read", kind="supervisor")
    province, nation = reporting.get("/api/v1/exchange", headers=headers).json["connectors"]
    assert (province["connector"], province["entries_ahead"]) == ("province", 0)
    assert [(t["state"], t["records"]) for t in province["totals"]] == [("sent", len(WHOLE_CASE))]
    assert (nation["connector"], nation["entries_ahead"], nation["totals"]) == ("nation", 9, [])
    page = reporting.get("/api/v1/exchange/province/batches?limit=1", headers=headers).json
    assert (len(page["batches"]), page["batches"][0]["state"]) == (1, "sent")
    older = reporting.get(f"/api/v1/exchange/province/batches?before={page['next']}", headers=headers).json
    assert len(older["batches"]) == len(hub.batches) - 1
    assert reporting.get("/api/v1/exchange/elsewhere/batches", headers=headers).json["code"] == "connector_unknown"
    assert reporting.get("/api/v1/exchange", headers=tokens.headers("cases:read")).status_code == 403
