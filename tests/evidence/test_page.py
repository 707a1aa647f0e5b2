"""``docs/evidence.md`` says what the kept results say."""

from __future__ import annotations

import re
from typing import Any

from evidence.page import PAGE, TITLES, kept, render
from tests.architecture.house import ROOT

RESULT: dict[str, Any] = {
    "target": "chaos",
    "commit": "0123456789abcdef+",
    "date": "2026-11-25T12:00:00+00:00",
    "machine": {"cores": 2, "system": "Linux", "python": "3.11.7"},
    "figures": {"lost": 1.0, "cases": 1200.0},
    "goals": {"lost": {"goal": "= 0", "met": False}},
    "pass": False,
}


def test_page_is_what_the_kept_results_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(kept()), "stale: run make evidence"


def test_every_kept_result_has_a_place_on_the_page_and_a_target_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert {result["target"] for result in kept()} <= set(TITLES) <= targets


def test_a_missed_goal_is_shown_as_missed_with_its_figure() -> None:
    page = render([RESULT])
    assert "| lost | = 0 | 1 | **未达到 / missed** |" in page
    assert "| cases | 1,200 |" in page
    assert "0123456789ab+" in page
