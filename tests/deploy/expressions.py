"""What the dashboards and rules of the checkout ask, and which metrics an expression names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from tests.architecture.house import ROOT

DASHBOARDS = ROOT / "deploy" / "grafana" / "dashboards"
RULES = ROOT / "deploy" / "prometheus" / "rules"
WORDS = frozenset(
    [
        "and",
        "or",
        "unless",
        "bool",
        "offset",
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "group_right",
        "inf",
        "nan",
        "start",
        "end",
    ]
)
LISTS = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
ASIDE = re.compile(r"\"[^\"]*\"|\{[^}]*\}|\[[^]]*\]")
NAME = re.compile(r"(?<![\w:])[a-zA-Z_:][\w:]*(?![\w:]*\s*\()")
SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\{([^}]*)\}")
LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")


@dataclass(frozen=True)
class Asked:
    """A panel's or variable's query, as it stands in the JSON."""

    dashboard: str
    panel: str
    expr: str

    @property
    def title(self) -> str:
        return f"{self.dashboard}: {self.panel}"


def dashboards() -> dict[str, dict[str, Any]]:
    """Name -> JSON."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(DASHBOARDS.glob("*.json"))}


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """Those that show something; rows are headings."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries() -> list[Asked]:
    """Every query of every panel."""
    return [
        Asked(name, panel["title"], target["expr"])
        for name, dashboard in dashboards().items()
        for panel in panels(dashboard)
        for target in panel["targets"]
    ]


def rules() -> Iterator[dict[str, Any]]:
    """Every rule of every file; ``file`` is added."""
    for path in sorted(RULES.glob("*.yaml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                yield rule | {"file": path.name}


def metric_names(expr: str) -> set[str]:
    """The metrics that an expression of PromQL names."""
    bare = LISTS.sub(" ", ASIDE.sub(" ", expr))
    return {name for name in NAME.findall(bare) if name not in WORDS}


def labels_asked(expr: str) -> Iterator[tuple[str, set[str]]]:
    """Metric, and the labels by which it is chosen."""
    for name, chosen in SELECTOR.findall(expr):
        yield name, set(LABEL.findall(re.sub(r"\"[^\"]*\"", '""', chosen)))
