"""Grafana's dashboards are what the builders make, and fit for whoever is on duty."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.grafana.builders.__main__ import write_dashboards
from tests.architecture.house import NAMES, ROOT
from tests.deploy.expressions import DASHBOARDS, dashboards, panels

PROVISIONING = ROOT / "deploy" / "grafana" / "provisioning"
BILINGUAL = re.compile(r"[\u4e00-\u9fff].* / \S", re.DOTALL)
PAGES = dashboards()
PANELS = [(name, panel) for name, page in PAGES.items() for panel in panels(page)]
each_page = pytest.mark.parametrize("name", sorted(PAGES))
each_panel = pytest.mark.parametrize(
    ("name", "panel"), PANELS, ids=[f"{name}-{panel['title'].split(' / ')[1]}" for name, panel in PANELS]
)


def test_json_is_what_the_builders_make(tmp_path: Path) -> None:
    made = {path.name: path.read_text(encoding="utf-8") for path in write_dashboards(tmp_path)}
    kept = {path.name: path.read_text(encoding="utf-8") for path in DASHBOARDS.glob("*.json")}
    assert kept == made, "run `make dashboards`"


def test_dashboard_that_is_no_more_is_removed(tmp_path: Path) -> None:
    forgotten = tmp_path / "deploy" / "grafana" / "dashboards" / "forgotten.json"
    forgotten.parent.mkdir(parents=True)
    forgotten.write_text("{}")
    write_dashboards(tmp_path)
    assert not forgotten.exists()


def test_every_service_and_every_matter_has_its_page() -> None:
    others = {"platform", "bus", "gateway", "departments", "supervision", "licences", "ledger", "database"}
    assert PAGES.keys() == {*NAMES, *others}


@each_page
def test_page_has_an_address_of_its_own_and_leads_to_the_others(name: str) -> None:
    page = PAGES[name]
    assert page["uid"] == f"tongban-{name}"
    assert page["tags"] == ["tongban"]
    assert BILINGUAL.search(page["title"])
    assert BILINGUAL.search(page["description"])
    assert [(link["type"], link["tags"]) for link in page["links"]] == [("dashboards", ["tongban"])]
    ids = [panel["id"] for panel in page["panels"]]
    assert ids == sorted(set(ids))


@each_page
def test_page_asks_the_data_source_that_is_chosen(name: str) -> None:
    variables = {variable["name"]: variable for variable in PAGES[name]["templating"]["list"]}
    assert variables["datasource"]["query"] == "prometheus"
    assert {uid for uid in uids(PAGES[name]) if uid != f"tongban-{name}"} == {"${datasource}"}


@each_page
def test_variables_are_used(name: str) -> None:
    page = PAGES[name]
    asked = " ".join(target["expr"] for panel in panels(page) for target in panel["targets"])
    chosen = {variable["name"] for variable in page["templating"]["list"]} - {"datasource", "guide"}
    assert set(re.findall(r"\$([a-z]+)\b", asked)) == chosen


@each_panel
def test_panel_says_what_it_shows_and_what_to_do(name: str, panel: dict[str, Any]) -> None:
    assert BILINGUAL.search(panel["title"])
    assert BILINGUAL.search(panel["description"])
    assert panel["links"]
    assert all(link["url"].startswith("${guide:raw}") for link in panel["links"])
    defaults = panel["fieldConfig"]["defaults"]
    units = [p["value"] for o in panel["fieldConfig"]["overrides"] for p in o["properties"] if p["id"] == "unit"]
    assert defaults.get("unit") or units
    if panel["type"] == "timeseries":
        assert defaults["min"] == 0
    colors = [step["color"] for step in defaults["thresholds"]["steps"]]
    assert colors in (["green"], ["green", "orange", "red"], ["red", "orange", "green"])


@each_page
def test_panels_do_not_overlap_and_stay_on_the_page(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PAGES[name]["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_provisioning_names_the_data_source_and_the_folder() -> None:
    [source] = yaml.safe_load((PROVISIONING / "datasources" / "prometheus.yaml").read_text(encoding="utf-8"))[
        "datasources"
    ]
    [provider] = yaml.safe_load((PROVISIONING / "dashboards" / "tongban.yaml").read_text(encoding="utf-8"))["providers"]
    assert (source["type"], source["url"]) == ("prometheus", "${PROMETHEUS_URL}")
    assert provider["type"] == "file"
    assert provider["folderUid"] == "tongban"


def uids(node: Any) -> set[str]:
    """Every ``uid`` in the JSON."""
    if isinstance(node, dict):
        own = {node["uid"]} if isinstance(node.get("uid"), str) else set()
        return own.union(*(uids(value) for value in node.values()))
    return set().union(*map(uids, node)) if isinstance(node, list) else set()
