"""Progress of a case as server-sent events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.workflow.api import progress
from tests.services.workflow.conftest import Desk, assert_refused, everything


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LONGEST_S", 0.0)


def follow(desk: Desk, case_no: str, last: str | None = None, **claims: Any) -> Any:
    headers = desk.citizen(**claims) | ({"Last-Event-ID": last} if last else {})
    return desk.client.get(f"/api/v1/cases/{case_no}/events", headers=headers)


def moves(text: str) -> list[tuple[str, str]]:
    blocks = [block for block in text.strip().split("\n\n") if block != progress.STILL_HERE.strip()]
    events = [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]
    assert events[0] == {"retry": "1000"}
    assert all(event["event"] == "move" for event in events[1:])
    return [(event["id"], json.loads(event["data"])["after"]) for event in events[1:]]


def test_the_stream_tells_every_move_and_goes_on_after_the_last_one_heard(desk: Desk) -> None:
    case_no = desk.new_case()
    answer = follow(desk, case_no)
    assert (answer.status_code, answer.mimetype) == (200, "text/event-stream")
    timeline = moves(answer.text)
    assert [state for _, state in timeline] == [one["after"] for one in desk.show(case_no)["timeline"]]
    assert moves(follow(desk, case_no, timeline[-1][0]).text) == []
    headers = desk.citizen() | {"Idempotency-Key": "w"}
    desk.client.post(f"/api/v1/cases/{case_no}/withdrawal", json={"reason": "不再需要"}, headers=headers)
    [(_, state)] = moves(follow(desk, case_no, timeline[-1][0]).text)
    assert state == desk.show(case_no)["state"]
    assert moves(follow(desk, case_no, "no number").text)[: len(timeline)] == timeline


def test_a_move_during_the_stream_comes_through_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    case_no = desk.new_case()
    last = moves(follow(desk, case_no).text)[-1][0]
    monkeypatch.setattr(progress, "LONGEST_S", 1000.0)
    monkeypatch.setattr(progress.stopping, "pause", lambda _s: desk.client.post(
        f"/api/v1/cases/{case_no}/withdrawal", json={"reason": "不再需要"}, headers=desk.citizen() | {"Idempotency-Key": "w"}
    ))  # fmt: skip
    answer = follow(desk, case_no, last)
    parts = iter(answer.response)
    text = next(parts) + next(parts) + next(parts)
    answer.close()
    assert len(moves(text if isinstance(text, str) else text.decode())) == 1


def test_a_case_of_another_party_is_not_followed(desk: Desk) -> None:
    case_no = desk.new_case()
    before = everything()
    assert_refused(follow(desk, case_no, party="org-2", sub="p-2"), 404, "not_found", before)


def test_streams_are_few_and_a_closed_one_makes_room(desk: Desk) -> None:
    case_no = desk.new_case()
    before = everything()
    open_ones = [follow(desk, case_no) for _ in range(progress.STREAMS)]
    refused = follow(desk, case_no)
    assert_refused(refused, 503, "too_many_streams", before)
    assert int(refused.headers["Retry-After"]) > 0
    open_ones.pop().close()
    open_ones.append(follow(desk, case_no))
    assert open_ones[-1].status_code == 200
    for one in open_ones:
        one.close()
