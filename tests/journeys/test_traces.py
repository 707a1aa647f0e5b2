"""One trace from the citizen's click to the licence, and a platform that does not care whether anybody takes its traces."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import urllib3

from chassis import log, trace
from chassis.spans import Spans
from demo.client import wait_for
from localservers.trace_store import TraceServer, TraceStore
from services.workflow.service import SERVICE as WORKFLOW
from tests.factories.definitions import make_definition
from tests.journeys.case import Case, apply
from tests.journeys.platform import Town, embedded_town
from tests.operations.traces import check_case, spans_below, traces_of
from tests.support import metric, show_gauges

STEPS = ("accept", "police_opinion", "transport_opinion", "examine", "decide")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with embedded_town(tmp_path_factory.mktemp("traces")) as town:
        yield town


@contextmanager
def traces_to(url: str) -> Iterator[None]:
    trace.keep_spans(Spans(url, 1.0, bus="embedded", version="test"))
    try:
        yield
    finally:
        trace.stop_spans()


@pytest.fixture(scope="module")
def store() -> Iterator[TraceServer]:
    with TraceServer("127.0.0.1:0", TraceStore()) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def item(town: Town) -> str:
    return town.publish(make_definition(197))


def whole_way(town: Town, item: str) -> Case:
    """A case to its end. Departments' systems answer by the API, and do as the SDK does: they send a task's trace along."""
    case = apply(town, item)
    for step in STEPS:
        task = case.tasks()[step]
        system = Town.system(task["department"])
        listed = {one["task_id"]: one for one in town.told("GET", "/api/v1/tasks", system)["tasks"]}
        path, told = f"/api/v1/tasks/{task['task_id']}/opinion", listed[task["task_id"]]["traceparent"]
        town.told("POST", path, system, {"verdict": "agree"}, traceparent=told)
    case.ended("closed")
    return case


@pytest.fixture(scope="module")
def traced(town: Town, item: str, store: TraceServer) -> Case:
    """A case whose steps are all in the store."""
    with traces_to(store.url):
        return whole_way(town, item)


def test_a_case_with_two_departments_is_one_tree_from_the_click_to_the_licence(
    traced: Case, store: TraceServer
) -> None:
    check_case(store.url, traced.no, ["police", "transport"], over="embedded")


def test_a_page_and_what_it_asks_the_api_for_are_one_trace(town: Town, store: TraceServer) -> None:
    with traces_to(store.url):
        answer = town.ask("GET", "/", None)
    assert answer.status_code == 200
    roots = store.store.roots(answer.headers["X-Request-ID"]) or []
    assert [(root.service, root.name) for root in roots] == [("gateway", "GET portal")]
    [page] = roots[0].children
    assert (page.service, page.name) == ("portal", "GET /")
    assert page.children
    assert {asked.service for asked in page.children} == {"gateway"}
    assert "catalog" in {served.service for asked in page.children for served in asked.children}


def test_the_tree_can_be_read(traced: Case, store: TraceServer) -> None:
    base = store.url.removesuffix("/v1/traces")
    found = json.loads(urllib3.request("GET", f"{base}/traces?case_no={traced.no}").data)["traces"]
    pages = [urllib3.request("GET", f"{base}/traces/{one}").data.decode() for one in found]
    [text] = [page.splitlines() for page in pages if "process licence.issued.v1" in page]
    assert text[0].removeprefix("链路 / trace ") in found
    assert "gateway  POST /api/v1/cases" in text[2]
    assert "  workflow  POST /api/v1/cases" in text[3]
    assert any(line.endswith("audit  process licence.issued.v1 (audit.ledger)") for line in text)
    assert urllib3.request("GET", f"{base}/traces/{'0' * 32}").status == 404
    assert json.loads(urllib3.request("GET", f"{base}/traces?case_no=none").data) == {"traces": []}


def test_no_span_names_a_person(traced: Case, store: TraceServer) -> None:
    said = json.dumps([list(spans_below(roots)) for roots in traces_of(store.url, traced.no)], ensure_ascii=False)
    assert traced.who.subject not in said
    assert str(traced.who.party) not in said
    assert traced.who.name not in said


def test_a_log_line_leads_to_its_span(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    log.configure("test", "INFO")
    with trace.work(parent=f"00-{'a' * 32}-{'b' * 16}-01", case_no="C-1") as mine:
        logging.getLogger("any").warning("something")
    line = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert (line["trace_id"], line["span_id"], line["case_no"]) == ("a" * 32, mine[36:52], "C-1")
    log.set_level("ERROR")


@pytest.mark.parametrize("trouble", ["away", "silent"])
def test_a_collector_that_is_away_or_never_answers_loses_no_work(town: Town, item: str, trouble: str) -> None:
    dropped = metric("tongban_spans_dropped_total")
    with socket.create_server(("127.0.0.1", 0)) as listener:  # takes connections and says nothing
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1/traces"
        if trouble == "away":
            listener.close()
        with traces_to(url):
            whole_way(town, item)
        wait_for("the spans to be given up", lambda: metric("tongban_spans_dropped_total") > dropped, timeout_s=60)


def test_what_is_open_is_counted_by_item_department_and_state(town: Town, item: str) -> None:
    moved = metric("tongban_case_moves_total", item=item, state="received")
    answered = metric("tongban_department_answer_seconds_count", department="education")
    issued = metric("tongban_licence_seconds_count")
    case = apply(town, item)
    show_gauges(WORKFLOW)
    assert metric("tongban_cases", item=item, department="education", state="received") == 1
    assert metric("tongban_tasks_open", department="education") == 1
    assert metric("tongban_case_moves_total", item=item, state="received") == moved + 1
    case.agree(*STEPS)
    case.ended("closed")
    show_gauges(WORKFLOW)
    assert metric("tongban_cases", item=item, department="education", state="received") == 0
    assert metric("tongban_tasks_open", department="education") == 0
    assert metric("tongban_department_answer_seconds_count", department="education") > answered
    assert metric("tongban_licence_seconds_count") == issued + 1
    assert metric("tongban_deadlines_waiting") == 0
