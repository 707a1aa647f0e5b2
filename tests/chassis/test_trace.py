"""What a trace says and what it leaves out: who decides that it is kept, what failed, which jobs are worth a span."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import urllib3
from flask import Flask
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from chassis import spans as spans_module
from chassis import trace
from chassis.bus import Subscription, each
from chassis.db import Database
from chassis.embedded_bus import EmbeddedBus
from chassis.inbox import Inbox
from chassis.outbox import Relay
from chassis.spans import Spans
from chassis.web import observe
from contracts.case import CaseWithdrawn
from contracts.envelope import decode_envelope, encode
from localservers.trace_store import StoredSpan, TraceServer, TraceStore
from tests.chassis.rig import make_database, on_the_wire, withdrawn
from tests.support import metric

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
UNSAMPLED = PARENT[:-2] + "00"


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return make_database("traced", f"sqlite:///{tmp_path}/traced.sqlite")


@contextmanager
def kept(share: float = 1.0) -> Iterator[TraceStore]:
    """Spans of the block are in the store when it has ended."""
    store = TraceStore()
    with TraceServer("127.0.0.1:0", store) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        trace.keep_spans(Spans(server.url, share, bus="test", version="1"))
        try:
            yield store
        finally:
            trace.stop_spans()
            server.shutdown()


def all_of(store: TraceStore, trace_id: str = TRACE) -> list[StoredSpan]:
    return [span for root in store.roots(trace_id) or [] for span in _below(root)]


def _below(span: StoredSpan) -> Iterator[StoredSpan]:
    yield span
    for child in span.children:
        yield from _below(child)


def message(case_no: str, parent: str = PARENT) -> bytes:
    envelope = decode_envelope(on_the_wire(withdrawn(case_no)).body)
    return encode(msgspec.structs.replace(envelope, traceparent=parent))


def test_without_a_collector_no_span_is_made_and_the_trace_goes_on_all_the_same() -> None:
    assert trace.start_span("any", "server", "x", PARENT) is None
    with trace.work(parent=PARENT) as mine:
        assert trace.ids(mine) is not None
        assert mine[3:35] == TRACE
        assert mine[36:52] != PARENT[36:52]


def test_a_stranger_has_no_say_in_whether_a_trace_is_kept_and_a_part_of_ours_has() -> None:
    with kept(share=0.0) as store:
        for parent, at_door in ((PARENT, True), (UNSAMPLED, True), (UNSAMPLED, False), (None, False)):
            span = trace.start_span("gateway", "server", "x", parent, at_door=at_door)
            assert span is not None
            assert span.traceparent.endswith("-00"), (parent, at_door)
            span.end()
        span = trace.start_span("workflow", "server", "kept", PARENT)
        assert span is not None
        assert span.traceparent.endswith("-01")
        span.end()
    assert [span.name for span in all_of(store)] == ["kept"]
    with kept(share=1.0) as store:
        span = trace.start_span("gateway", "server", "at the door", UNSAMPLED, at_door=True)
        assert span is not None
        span.end()
    assert [span.name for span in all_of(store)] == ["at the door"]


def test_a_request_is_named_by_its_route_and_one_that_broke_has_failed() -> None:
    app = Flask("traced")
    app.add_url_rule("/cases/<case_no>/<name>", view_func=lambda case_no, name: ("", 500 if name == "bad" else 200))
    app.add_url_rule("/health/live", endpoint="live", view_func=lambda: "")
    observe(app, "traced")
    with kept() as store:
        for path in ("/cases/C-1/good", "/cases/C-1/bad", "/health/live", "/none"):
            app.test_client().get(path, headers={"traceparent": PARENT})
    spans = [(span.name, span.failed, span.facts.get("tongban.case_no")) for span in all_of(store)]
    route = "GET /cases/<case_no>/<name>"
    assert spans == [(route, False, "C-1"), (route, True, "C-1"), ("GET none", False, None)]


def test_each_message_of_a_batch_has_its_span_and_what_it_led_to_hangs_on_it(database: Database) -> None:
    def pass_on(tx: Any, event: CaseWithdrawn) -> None:
        tx.tell(withdrawn(f"{event.case_no}-next"))

    heard, bus = Subscription("traced.all", {CaseWithdrawn: each(pass_on)}), EmbeddedBus()
    with kept() as store:
        Inbox(database, heard, retry_limit=3).receive([message("a"), message("b")])
        bus.attach(
            Inbox(database, Subscription("traced.end", {CaseWithdrawn: each(lambda _tx, _event: None)}), retry_limit=3)
        )
        Relay(database, bus).step()
    roots = store.roots(TRACE) or []
    assert [(root.name, root.facts["messaging.destination.name"]) for root in roots] == [
        ("process case.withdrawn.v1", "traced.all")
    ] * 2
    assert {root.facts["tongban.case_no"] for root in roots} == {"a", "b"}
    for root in roots:
        assert (root.kind, root.parent_id, root.facts["messaging.batch.message_count"]) == (
            "consumer",
            PARENT[36:52],
            2,
        )
        below = {(child.kind, child.name) for child in root.children}
        assert below == {("producer", "send case.withdrawn.v1"), ("consumer", "process case.withdrawn.v1")}
        [handled] = [child for child in root.children if child.kind == "consumer"]
        assert handled.facts["tongban.case_no"] == f"{root.facts['tongban.case_no']}-next"


def test_only_the_message_that_failed_is_shown_as_failed_without_what_was_in_it(database: Database) -> None:
    def act(_tx: Any, event: CaseWithdrawn) -> None:
        if event.case_no == "bad":
            raise ValueError("张三 at 110101199003070011")

    with kept() as store:
        inbox = Inbox(database, Subscription("traced.some", {CaseWithdrawn: each(act)}), retry_limit=1)
        inbox.receive([message("good"), message("bad"), message("fine")])
    ended = {span.facts["tongban.case_no"]: span for span in all_of(store)}
    assert {case_no: span.failed for case_no, span in ended.items()} == {"good": False, "bad": True, "fine": False}
    assert ended["bad"].facts["error.type"] == "ValueError"
    assert "张三" not in str(ended["bad"].facts)


def test_a_job_has_a_span_only_when_it_led_to_something(database: Database) -> None:
    with kept() as store:
        with trace.errand("traced", "traced.idle"):
            pass
        with trace.errand("traced", "traced.busy"), database.transaction() as tx:
            tx.tell(withdrawn("a"))
        with pytest.raises(ValueError, match="no"), trace.errand("traced", "traced.failing"):
            raise ValueError("no")
        Relay(database, EmbeddedBus()).step()
    [trace_id] = store.newest()
    names = [(span.name, span.failed) for span in all_of(store, trace_id)]
    assert names == [("traced.busy", False), ("send case.withdrawn.v1", True)], "nobody hears it: unroutable"


def test_spans_that_nobody_takes_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans_module, "MOST_WAITING", 10)
    monkeypatch.setattr(spans_module, "BATCH", 5)
    monkeypatch.setattr(spans_module, "EVERY_S", 3600.0)
    dropped = metric("tongban_spans_dropped_total")
    with kept() as store:
        held = [trace.start_span("any", "internal", str(n), PARENT) for n in range(100)]
        room = trace._spans[0]._exporter._room  # type: ignore[attr-defined]
        monkeypatch.setattr(room, "give", lambda _many: None)  # as if the collector took its time
        for span in held:
            assert span is not None
            span.end()
    assert metric("tongban_spans_dropped_total") == dropped + 90
    assert len(all_of(store)) == 10


def test_the_store_takes_json_and_gzip_and_keeps_the_newest() -> None:
    def sent(trace_id: str) -> bytes:
        span = {
            "traceId": trace_id, "spanId": "b7ad6b7169203331", "name": "said in JSON", "kind": 2,
            "startTimeUnixNano": "1000000", "endTimeUnixNano": "3000000",
            "attributes": [{"key": "tongban.case_no", "value": {"stringValue": "C-1"}}],
        }  # fmt: skip
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "elsewhere"}}]}
        return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}).encode()

    with TraceServer("127.0.0.1:0", TraceStore(most=2)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        for n in range(3):
            answer = urllib3.request("POST", server.url, body=gzip.compress(sent(f"{n:032x}")), headers=headers)
            assert answer.status == 200
        for body in (b"{", b"\xff\xff\xff"):
            kind = "application/json" if body == b"{" else "application/x-protobuf"
            assert urllib3.request("POST", server.url, body=body, headers={"Content-Type": kind}).status == 400
        empty = ExportTraceServiceRequest().SerializeToString()
        assert (
            urllib3.request("POST", server.url, body=empty, headers={"Content-Type": "application/x-protobuf"}).status
            == 200
        )
        server.shutdown()
        assert server.store.newest() == [f"{n:032x}" for n in (1, 2)]
        assert server.store.of_case("C-1") == [f"{n:032x}" for n in (1, 2)]
        [root] = server.store.roots(f"{2:032x}") or []
    assert (root.service, root.name, root.kind, root.ms) == ("elsewhere", "said in JSON", "server", 2.0)
