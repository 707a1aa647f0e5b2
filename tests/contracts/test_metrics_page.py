"""Every metric says in two languages what it means, is named by one rule, and has labels whose values are few."""

from __future__ import annotations

import ast
import re

import pytest
from prometheus_client import REGISTRY

from chassis.metrics import Definition
from contracts_docs.metrics_page import definitions, metrics_page
from tests.architecture.house import PRODUCT, ROOT, python_files, tree

ALL = definitions()
# Their values: names of ours, of the catalogue's items and departments, or of a closed set that the meaning lists.
LABELS = {
    "channel", "code", "connector", "department", "direction", "gate", "instance", "item", "job", "kind", "level", "method",
    "outcome", "part", "policy", "reason", "role", "route", "rule", "score", "service", "state", "status", "subscription",
    "user", "version", "what", "why", "witness",
}  # fmt: skip
ROLES = {"web", "worker", "jobs", "gateway", "bridge", "portal"}
PROMETHEUS = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}
each = pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)


def test_the_page_says_what_the_code_says() -> None:
    assert (ROOT / "docs" / "metrics.md").read_text() == metrics_page(), "run `make contracts`"


def test_every_metric_is_declared_in_the_one_way() -> None:
    borrowed = [
        str(path.relative_to(ROOT))
        for path in python_files(*PRODUCT)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and node.module == "prometheus_client"
        if PROMETHEUS & {alias.name for alias in node.names}
    ]
    assert borrowed == ["chassis/metrics.py"]
    live = {f"{m.name}_total" if m.type == "counter" else m.name for m in REGISTRY.collect()}
    assert {name for name in live if name.startswith("tongban_")} == {one.name for one in ALL}


@each
def test_its_meaning_is_said_in_chinese_and_in_english(one: Definition) -> None:
    assert re.search(r"[\u4e00-\u9fff]", one.zh), "the Chinese meaning is missing"
    assert re.search(r"[A-Za-z]{3}|^1", one.en), "the English meaning is missing"
    assert not re.search(r"[\u4e00-\u9fff]", one.en)


@each
def test_its_name_says_its_unit_and_whether_it_only_grows(one: Definition) -> None:
    assert re.fullmatch(r"tongban_[a-z0-9]+(_[a-z0-9]+)*", one.name)
    assert one.name.endswith("_total") == (one.kind == "counter")
    assert not re.search(r"_(ms|millis|minutes|hours|days|percent|count|sum|bucket|kb|mb)(_|$)", one.name)
    if re.search(r"_(age|lag|oldest|interval|expiry)(_|$)", one.name):
        assert one.name.endswith("_seconds"), "a time is in seconds"
    if one.kind == "histogram":
        assert one.name.endswith(("_seconds", "_size"))


@each
def test_its_labels_are_of_the_closed_set_and_so_are_those_who_set_it(one: Definition) -> None:
    assert set(one.labels) <= LABELS, "a label that could hold a person, a case or free text?"
    assert one.by.split()
    assert set(one.by.split()) <= ROLES
