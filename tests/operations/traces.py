"""What a case's trace must show, asked of a trace store: one tree, from the citizen's click to the licence and the ledger."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import urllib3

Span = dict[str, Any]

FACTS = re.compile(
    r"http\.(request\.method|route|response\.status_code)|error\.type"
    r"|messaging\.(system|operation\.type|destination\.name|message\.id|batch\.message_count)"
    r"|tongban\.(department|case_no|task_id|bundle_no|licence_no|item_code|package_code|appointment_id|material_id)"
)
"""All that a span may say: what was called, and ids of cases and events."""


def traces_of(store_url: str, case_no: str) -> list[list[Span]]:
    """The traces in which the case occurs, oldest first, each as its roots."""
    base = "http://" + urlsplit(store_url).netloc
    found = _get(f"{base}/traces?case_no={quote(case_no)}")["traces"]
    return [_get(f"{base}/traces/{trace_id}")["spans"] for trace_id in found]


def spans_below(spans: Collection[Span]) -> Iterator[Span]:
    """These and all that they led to."""
    for span in spans:
        yield span
        yield from spans_below(span["children"])


def check_case(store_url: str, case_no: str, departments: Collection[str], *, over: str) -> None:
    """The trace of the case's submission has all of its way. ``over``: what messages travel on; the way of ``departments`` is
    theirs, over AMQP if there is a broker, else over HTTPS.
    """
    whole = [roots for roots in traces_of(store_url, case_no) if _names(roots) >= {"POST /api/v1/cases"}]
    assert len(whole) == 1, "the submission is in one trace"
    [roots] = whole
    assert [root["name"] for root in roots] == ["POST /api/v1/cases"], [root["name"] for root in roots]
    assert roots[0]["service"] == "gateway"
    spans = list(spans_below(roots))
    heard = {(s["service"], s["name"], s["attributes"].get("messaging.destination.name")) for s in spans}
    assert ("workflow", "send case.submitted.v1", "case.submitted.v1") in heard
    assert ("documents", "process case.approved.v1", "documents.licences") in heard
    assert ("workflow", "process licence.issued.v1", "workflow.licences") in heard
    assert ("audit", "process licence.issued.v1", "audit.ledger") in heard
    for code in departments:
        _check_department(spans, code, over)
    assert {s["attributes"]["messaging.system"] for s in spans if s["kind"] in {"producer", "consumer"}} == {over}
    assert not [s["name"] for s in spans if s["failed"]]
    check_facts(spans)


def check_facts(spans: Collection[Span]) -> None:
    """Nothing but what FACTS allows."""
    assert {name for span in spans for name in span["attributes"] if not FACTS.fullmatch(name)} == set()


def _check_department(spans: Collection[Span], code: str, over: str) -> None:
    if over != "rabbitmq":
        answers = [s for s in spans if s["name"] == "POST /api/v1/tasks/<task_id>/opinion"]
        assert answers, "the department's answer is not in the trace"
        return
    into = [s for s in spans if s["service"] == "bridge" and s["name"].startswith("in task.assigned")]
    mine = [s for s in into if s["attributes"]["tongban.department"] == code]
    assert mine, f"no task of {code} went through the bridge"
    below = _names(mine)
    assert "out task.opinion_given.v2" in below, f"the answer of {code} did not carry its task's trace on"
    assert "process task.opinion_given.v2" in below


def _names(spans: Collection[Span]) -> set[str]:
    return {span["name"] for span in spans_below(spans)}


def _get(url: str) -> Any:
    answer = urllib3.request("GET", url, headers={"Accept": "application/json"}, retries=False, timeout=30.0)
    assert answer.status == 200, f"{url}: {answer.status}"
    return json.loads(answer.data)
