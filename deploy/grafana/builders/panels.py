"""What the dashboards share: panels, variables, and a page of rows. Titles are "中文 / English"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import bargauge, common, stat, table, timeseries
from grafana_foundation_sdk.builders import dashboard as page_of
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
GUIDE = "${guide:raw}"
TAG = "tongban"
WIDTH = 24
GOOD, WARN, BAD = "green", "orange", "red"
REFRESH = "30s"

Panel = Any  # one of the SDK's panel builders, which have no type in common


@dataclass(frozen=True)
class Query:
    """An expression, and how its series are named: ``{{label}}`` stands for a label's value."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Limits:
    """Where a value turns orange and red. ``falling``: a small value is the bad one."""

    warn: float
    bad: float
    falling: bool = False


@dataclass(frozen=True)
class Page:
    """A dashboard before it is built. ``rows``: title and panels."""

    name: str
    title: str
    description: str
    rows: Sequence[tuple[str, Sequence[Panel]]]
    variables: Sequence[Any] = ()


def graph(
    title: str,
    description: str,
    queries: Iterable[Query],
    *,
    unit: str,
    alerts: Sequence[str] = (),
    limits: Limits | None = None,
    span: int = 8,
    most: float | None = None,
    stacked: bool = False,
) -> Panel:
    """Lines over time, from zero. ``alerts``: those about this, whose runbooks the panel links to."""
    panel = (
        timeseries.Panel()
        .line_width(1)
        .fill_opacity(20 if stacked else 5)
        .show_points(shapes.VisibilityMode.NEVER)
        .legend(common.VizLegendOptions().show_legend(True).placement(shapes.LegendPlacement.BOTTOM))
        .tooltip(common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI).sort(shapes.SortOrder.DESCENDING))
    )
    if stacked:
        panel.stacking(common.StackingConfig().mode(shapes.StackingMode.NORMAL))
    if limits:
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(shapes.GraphThresholdsStyleMode.LINE))
    _describe(panel, title, description, unit=unit, alerts=alerts, limits=limits, size=(span, 8))
    panel.min(0)
    if most is not None:
        panel.max(most)
    for letter, query in zip("ABCDEFGH", queries, strict=False):
        panel.with_target(_target(query, letter).range())
    return panel


def number(
    title: str,
    description: str,
    expr: str,
    *,
    unit: str = "short",
    alerts: Sequence[str] = (),
    limits: Limits | None = None,
    span: int = 4,
    legend: str = "",
    least: float | None = None,
    most: float | None = None,
) -> Panel:
    """The value of now, coloured; one field for each series. Give ``least`` and ``most`` for a scale."""
    panel = (
        stat.Panel()
        .color_mode(shapes.BigValueColorMode.BACKGROUND)
        .graph_mode(shapes.BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    _describe(panel, title, description, unit=unit, alerts=alerts, limits=limits, size=(span, 4))
    _scale(panel, least, most)
    return panel.with_target(_target(Query(expr, legend), "A").instant())


def bars(
    title: str,
    description: str,
    query: Query,
    *,
    unit: str = "short",
    alerts: Sequence[str] = (),
    limits: Limits | None = None,
    span: int = 8,
    least: float | None = 0,
    most: float | None = None,
) -> Panel:
    """The values of now, one bar for each series."""
    panel = (
        bargauge.Panel()
        .orientation(shapes.VizOrientation.HORIZONTAL)
        .display_mode(shapes.BarGaugeDisplayMode.BASIC)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    _describe(panel, title, description, unit=unit, alerts=alerts, limits=limits, size=(span, 8))
    _scale(panel, least, most)
    return panel.with_target(_target(query, "A").instant())


def listing(
    title: str,
    description: str,
    query: Query,
    columns: dict[str, str],
    *,
    unit: str = "short",
    alerts: Sequence[str] = (),
    limits: Limits | None = None,
    span: int = 12,
) -> Panel:
    """A table of the values of now. ``columns``: label, or ``Value``, -> heading; other labels are left out."""
    panel = table.Panel().filterable(True)
    _describe(panel, title, description, unit="", alerts=alerts, limits=None, size=(span, 8))
    kept = {"includeByName": dict.fromkeys(columns, True), "renameByName": columns}
    kept["indexByName"] = {name: place for place, name in enumerate(columns)}
    panel.with_transformation(models.DataTransformerConfig(id_val="organize", options=kept))
    wanted: list[models.DynamicConfigValue] = [models.DynamicConfigValue(id_val="unit", value=unit)]
    if limits:
        wanted.append(models.DynamicConfigValue(id_val="thresholds", value=_thresholds(limits).build()))
        wanted.append(models.DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-text"}))
    panel.override_by_name(columns["Value"], wanted)
    panel.sort_by([common.TableSortByFieldState().display_name(columns["Value"]).desc(not (limits and limits.falling))])
    return panel.with_target(_target(query, "A").instant().format(PromQueryFormat.TABLE))


def choice(name: str, label: str, query: str) -> Any:
    """A variable to choose one, several or all of what ``query`` lists; use it as ``label=~"$name"``."""
    return (
        page_of.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query({"query": query, "refId": name})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(models.VariableOption(text="All", value="$__all"))
    )


def build(page: Page, guide: str) -> models.Dashboard:
    """The dashboard. ``guide``: where the operations guide is read; runbooks are chapters of it."""
    board = (
        page_of.Dashboard(page.title)
        .uid(f"{TAG}-{page.name}")
        .description(page.description)
        .tags([TAG])
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .refresh(REFRESH)
        .time("now-3h", "now")
        .readonly()
        .with_variable(_source())
        .with_variable(page_of.ConstantVariable("guide").value(guide))
        .link(_other_pages())
    )
    for variable in page.variables:
        board.with_variable(variable)
    number_of = 0
    for title, panels in page.rows:
        number_of += 1
        board.with_row(page_of.Row(title).id(number_of))
        for panel in panels:
            number_of += 1
            board.with_panel(panel.id(number_of))
    built = board.build()
    _place(built.panels or [])
    return built


def anchor(alert: str) -> str:
    """The chapter of the operations guide about an alert: ``OutboxOld`` -> ``alert-outbox-old``."""
    return "alert-" + re.sub(r"(?<!^)(?=[A-Z])", "-", alert).lower()


def _place(panels: Sequence[Any]) -> None:
    """From left to right, on a new line where there is no room; a heading has a line of its own."""
    x = y = height = 0
    for panel in panels:
        place = panel.grid_pos
        if x + place.w > WIDTH:
            x, y, height = 0, y + height, 0
        place.x, place.y = x, y
        x, height = x + place.w, max(height, place.h)


def _source() -> Any:
    return page_of.DatasourceVariable("datasource").label("数据源 / Data source").type("prometheus")


def _other_pages() -> Any:
    link = page_of.DashboardLink("其他页面 / Other pages").type(models.DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.as_dropdown(True).keep_time(True).include_vars(False)


def _describe(
    panel: Panel,
    title: str,
    description: str,
    *,
    unit: str,
    alerts: Sequence[str],
    limits: Limits | None,
    size: tuple[int, int],
) -> None:
    panel.title(title).description(description).datasource(SOURCE).span(size[0]).height(size[1])
    if unit:
        panel.unit(unit)
    panel.thresholds(_thresholds(limits))
    if limits is None and not isinstance(panel, timeseries.Panel | table.Panel):
        panel.color_scheme(page_of.FieldColor().mode(models.FieldColorModeId.FIXED).fixed_color("blue"))
    links = [(f"处置 / Runbook: {alert}", f"{GUIDE}#{anchor(alert)}") for alert in alerts]
    panel.links(
        [
            page_of.DashboardLink(name).url(url).type(models.DashboardLinkType.LINK).target_blank(True)
            for name, url in links or [("运行手册 / Operations guide", GUIDE)]
        ]
    )


def _thresholds(limits: Limits | None) -> page_of.ThresholdsConfig:
    if limits is None:
        steps: list[tuple[str, float | None]] = [(GOOD, None)]
    elif limits.falling:
        steps = [(BAD, None), (WARN, limits.bad), (GOOD, limits.warn)]
    else:
        steps = [(GOOD, None), (WARN, limits.warn), (BAD, limits.bad)]
    made = page_of.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE)
    return made.steps([models.Threshold(color=color, value=value) for color, value in steps])


def _scale(panel: Panel, least: float | None, most: float | None) -> None:
    if least is not None:
        panel.min(least)
    if most is not None:
        panel.max(most)


def _target(query: Query, letter: str) -> Dataquery:
    made = Dataquery().expr(" ".join(query.expr.split())).ref_id(letter).datasource(SOURCE)
    return made.legend_format(query.legend) if query.legend else made
