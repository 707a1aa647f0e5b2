"""Alert rules, their unit tests and their runbooks."""

from __future__ import annotations

import re
import shlex
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from chassis import cli
from contracts_docs.metrics_page import definitions
from deploy.grafana.builders.panels import anchor
from deploy.prometheus.runbook_chapters import BEGIN, END, render, runbooks
from localservers.requirements import require
from tests.architecture.house import PRODUCT, ROOT, python_files
from tests.deploy.expressions import RULES, dashboards, labels_asked, metric_names, panels, queries, rules

TESTS = RULES.with_name("tests")
GUIDE = ROOT / "docs" / "operations.md"
EXPORTED = ROOT / "tests" / "deploy" / "exporter_metrics.txt"
ALERTS = [rule for rule in rules() if "alert" in rule]
TARGET_LABELS = {"job", "instance", "service", "role", "le", "__name__"}
FAMILY = {"counter": [""], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
BILINGUAL = re.compile(r"[\u4e00-\u9fff].* / ", re.DOTALL)


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@cache
def exported() -> frozenset[str]:
    """Metrics that real exporters have shown; see the head of the file."""
    lines = EXPORTED.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


@cache
def ours() -> dict[str, frozenset[str]]:
    """Metric as Prometheus shows it -> its own labels."""
    return {
        definition.name + ending: frozenset(definition.labels)
        for definition in definitions()
        for ending in FAMILY[definition.kind]
    }


@cache
def recorded() -> frozenset[str]:
    return frozenset(rule["record"] for rule in rules() if "record" in rule)


def asked() -> list[tuple[str, str]]:
    """Where from, expression: of every rule and every panel."""
    return [(f"{rule['file']}: {rule.get('alert') or rule['record']}", rule["expr"]) for rule in rules()] + [
        (query.title, query.expr) for query in queries()
    ]


def test_rules_are_valid() -> None:
    require("prometheus")
    run("promtool", "check", "rules", "--lint=all", "--lint-fatal", *map(str, sorted(RULES.glob("*.yaml"))))


def test_each_alert_fires_and_stays_quiet_as_its_tests_say() -> None:
    require("prometheus")
    run("promtool", "test", "rules", *map(str, sorted(TESTS.glob("*.yaml"))))


def test_each_alert_has_a_series_that_fires_it_and_one_of_the_same_metrics_that_does_not() -> None:
    tested: dict[tuple[str, str], dict[str, tuple[set[str], bool]]] = {}
    for path in TESTS.glob("*.yaml"):
        for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            alert, severity, outcome = test["name"].split(" ", 2)
            [judged] = test["promql_expr_test"]
            assert f'alertname="{alert}",severity="{severity}"' in judged["expr"]
            metrics = {re.split(r"[{ ]", series["series"])[0] for series in test.get("input_series", [])}
            tested.setdefault((alert, severity), {})[outcome] = metrics, bool(judged["exp_samples"])
    wanted = {(rule["alert"], rule["labels"]["severity"]) for rule in ALERTS}
    assert tested.keys() == wanted
    for name, outcomes in tested.items():
        assert outcomes["fires"][1], name
        if name != ("Watchdog", "none"):  # it never stays quiet
            assert not outcomes["stays quiet"][1], name
            assert outcomes["stays quiet"][0] <= outcomes["fires"][0] | {"up", "rabbitmq_detailed_queue_consumers"}, (
                name
            )


@pytest.mark.parametrize("rule", ALERTS, ids=[f"{rule['alert']}-{rule['labels']['severity']}" for rule in ALERTS])
def test_alert_says_what_it_means_in_two_languages_and_where_its_runbook_is(rule: dict[str, Any]) -> None:
    told = rule["annotations"]
    assert rule["labels"]["severity"] in {"page", "ticket", "none"}
    assert BILINGUAL.search(told["summary"])
    assert BILINGUAL.search(told["description"])
    assert told["runbook_url"] == f"docs/operations.md#{anchor(rule['alert'])}"
    assert f'<a id="{anchor(rule["alert"])}"></a>' in GUIDE.read_text(encoding="utf-8")


def test_chapters_of_the_guide_are_fresh() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    section = text[text.index(BEGIN) + len(BEGIN) + 1 : text.index(END)]
    assert section == render(runbooks()), "run `make dashboards`"


def test_each_runbook_belongs_to_an_alert_and_is_whole() -> None:
    books = {
        name: book
        for path in RULES.with_name("runbooks").glob("*.yaml")
        for name, book in yaml.safe_load(path.read_text(encoding="utf-8")).items()
    }
    assert books.keys() == {rule["alert"] for rule in ALERTS}
    for name, book in books.items():
        assert book.keys() == {"means", "notices", "page", "look", "run", "logs", "do", "over"}, name
        told = [book["means"], book["notices"], book["over"], *book["look"], *book["do"]]
        assert [sentence for sentence in told if not BILINGUAL.search(sentence)] == [], name


def test_the_page_that_a_runbook_names_links_back_to_it() -> None:
    links = {
        name: {link["url"].partition("#")[2] for panel in panels(page) for link in panel["links"]}
        for name, page in dashboards().items()
    }
    missing = [name for name, book in runbooks().items() if anchor(name) not in links[book["page"]]]
    assert missing == []


def test_log_lines_that_runbooks_name_are_written_somewhere() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in python_files(*PRODUCT))
    named = {line for book in runbooks().values() for line in book["logs"]}
    assert [line for line in sorted(named) if f'"{line}"' not in code] == []


OTHERS = {
    "amtool", "consul", "curl", "df", "du", "kubectl", "openssl", "pg_isready", "promtool", "psql", "rabbitmq-diagnostics",
    "rabbitmqctl",
}  # fmt: skip


@pytest.mark.parametrize("command", sorted({command for book in runbooks().values() for command in book["run"]}))
def test_command_of_a_runbook_is_a_real_one(command: str) -> None:
    program, *words = shlex.split(re.sub(r"<[\w.-]+>", "x", command))
    if program == "tongban":
        assert_known(cli.main, words)
    elif program == "python":
        assert words[0] == "-m"
        module = find_spec(words[1])
        assert module
        assert module.origin
        source = Path(module.origin).read_text(encoding="utf-8")
        assert [word for word in words if word.startswith("--") and f'"{word}"' not in source] == []
    else:
        assert program in OTHERS


def assert_known(command: click.Command, words: list[str]) -> None:
    """Every word is a sub-command, an option of it, or an argument's value."""
    context = click.Context(command)
    while isinstance(command, click.Group):
        found = command.get_command(context, words.pop(0))
        assert found
        command = found
    command.make_context("runbook", words)


def test_every_rule_and_panel_names_only_metrics_that_exist() -> None:
    known = ours().keys() | exported() | recorded() | {"ALERTS"}
    assert [(where, sorted(metric_names(expr) - known)) for where, expr in asked() if metric_names(expr) - known] == []


def test_every_rule_and_panel_chooses_by_labels_that_our_metrics_have() -> None:
    wrong = [
        (where, name, sorted(labels - ours()[name] - TARGET_LABELS))
        for where, expr in asked()
        for name, labels in labels_asked(expr)
        if name in ours() and labels - ours()[name] - TARGET_LABELS
    ]
    assert wrong == []


def test_every_recorded_series_is_used() -> None:
    used = {name for _, expr in asked() for name in metric_names(expr)}
    assert recorded() - used == set()


def test_jobs_named_in_expressions_exist() -> None:
    named = {
        job
        for _, expr in asked()
        for job in re.findall(r'job="((?:identity|catalog|workflow|documents|audit)\.\w+)"', expr)
    }
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "services").glob("*/jobs.py"))
    assert named
    assert [job for job in sorted(named) if f'Job("{job}"' not in code] == []


def test_metric_names_are_found_in_promql() -> None:
    expr = (
        'sum by (service, le) (rate(a_bucket{x="b_c"}[5m])) / on (d) group_left (e) '
        "max_over_time(f:g:h[1h]) > 1e9 unless i offset 5m"
    )
    assert metric_names(expr) == {"a_bucket", "f:g:h", "i"}
    assert list(labels_asked('a{x="y=z",le=~"b.+"} + c{d!="e"}')) == [("a", {"x", "le"}), ("c", {"d"})]
