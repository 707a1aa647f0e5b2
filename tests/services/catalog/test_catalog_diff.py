from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.catalog.domain.diff import apply_changes, differences

Document = dict[str, Any]
NAMES = st.sampled_from(["code", "step", "name", "a", "b=c", "0"])
VALUES = st.none() | st.booleans() | st.integers(-2, 2) | st.floats(0, 1) | st.sampled_from(["", "x", "y", "code=x"])
JSON = st.recursive(VALUES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4))
PARTS = st.lists(st.fixed_dictionaries({"code": st.sampled_from("pqrst"), "v": JSON}), max_size=4)


def as_json(value: Any) -> str:
    """Equal texts mean equal documents: True is not 1. The order of names means nothing."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{name!r}:{as_json(value[name])}" for name in sorted(value)) + "}"
    return "[" + ",".join(map(as_json, value)) + "]" if isinstance(value, list) else repr(value)


@settings(max_examples=60)
@given(JSON | PARTS.map(lambda parts: {"l": parts}), JSON | PARTS.map(lambda parts: {"l": parts}))
def test_the_changes_lead_from_one_document_to_the_other(before: Any, after: Any) -> None:
    untouched = copy.deepcopy(before)
    changes = differences(before, after)
    assert as_json(apply_changes(changes, before)) == as_json(after)
    assert as_json(before) == as_json(untouched)
    assert all(change.says and change.says_en for change in changes)
    assert (changes == []) == (as_json(before) == as_json(after))


@pytest.mark.parametrize(
    ("change", "pointer", "kind", "says"),
    [
        (
            lambda d: d["committed_limit"].update(amount=9),
            "/committed_limit/amount",
            "changed",
            (
                "承诺时限 · 时长：由“11”改为“9”",
                "committed limit · length: from “11” to “9”",
            ),
        ),
        (
            lambda d: d["materials"].pop(5),
            "/materials/code=liability_insurance",
            "removed",
            (
                "申请材料 · “机动车承运人责任保险凭证”：删除“机动车承运人责任保险凭证”",
                "materials · “Carrier's liability insurance policy”: removed “Carrier's liability insurance policy”",
            ),
        ),
        (
            lambda d: d["materials"].reverse(),
            "/materials",
            "reordered",
            (
                "申请材料：调整顺序",
                "materials: put into another order",
            ),
        ),
        (
            lambda d: d.update(handling_forms=["1", "4"]),
            "/handling_forms",
            "changed",
            (
                "办理形式：由“窗口办理、网上办理、移动端办理”改为“窗口办理、快递申请”",
                "forms of handling: from “At the counter, On the web, On a mobile device” to “At the counter, By post”",
            ),
        ),
        (
            lambda d: d["plan"][1].update(when=[{"field": "seats", "at_least": 20.0}]),
            "/plan/step=police_opinion/when",
            "added",
            (
                '办理环节 · “公安交管意见” · 适用条件：新增“[{"field": "seats", "at_least": 20.0}]”',
                'steps · “Traffic police opinion” · conditions: added “[{"field": "seats", "at_least": 20.0}]”',
            ),
        ),
    ],
)
def test_a_change_is_told_by_path_and_in_words(
    school_bus: Document, change: Any, pointer: str, kind: str, says: tuple[str, str]
) -> None:
    after = copy.deepcopy(school_bus)
    change(after)
    [found] = differences(school_bus, after)
    assert (found.pointer, found.kind) == (pointer, kind)
    assert (found.says, found.says_en) == says
