"""All parts' figures of one target in one file: a part that is measured again replaces its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from evidence.record import FOLDER, write_evidence


def keep_part(target: str, part: str, figures: Mapping[str, float], goals: Mapping[str, tuple[str, bool]]) -> bool:
    """Store what ``part`` showed beside the other parts' results; True if its own goals are met.

    Names begin with the part's. ``parts`` in the file says when and on which commit each was measured.
    """
    assert all(name.startswith(f"{part}_") for name in (*figures, *goals))
    file = FOLDER / f"{target}.json"
    old = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    others = {name: value for name, value in old.get("figures", {}).items() if not name.startswith(f"{part}_")}
    their_goals = {
        name: (goal["goal"], goal["met"])
        for name, goal in old.get("goals", {}).items()
        if not name.startswith(f"{part}_")
    }
    write_evidence(target, others | dict(figures), their_goals | dict(goals))
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    content["parts"] = old.get("parts", {}) | {part: {"date": content["date"], "commit": content["commit"]}}
    file.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return all(met for _, met in goals.values())
