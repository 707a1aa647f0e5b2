"""Catalog: items and their import."""

from __future__ import annotations

from deploy.grafana.builders.panels import Limits, Page, Query, bars, graph, number
from deploy.grafana.builders.services import service_page


def page() -> Page:
    """The page."""
    own = [
        bars(
            "事项 / Items",
            "按状态。 / By state.",
            Query("max by (state) (tongban_items)", "{{state}}"),
            span=12,
        ),
        number(
            "目录导入距今 / Since the last import",
            "目录文件定时读入。 / The files of the catalogue are read again and again.",
            'time() - max(tongban_job_last_success_timestamp_seconds{job="catalog.import"})',
            unit="s",
            alerts=["JobNotRun"],
            limits=Limits(300, 900),
        ),
        graph(
            "公开查询 / Public look-ups",
            "每秒读取，按路由。 / Reads a second, by route.",
            [
                Query(
                    "topk(8, sum by (route) ("
                    'rate(tongban_http_requests_total{service="catalog",method="GET",route!~"/health/.*|/metrics"}[$__rate_interval])))',
                    "{{route}}",
                )
            ],
            unit="reqps",
            alerts=["ServiceSlow"],
            span=24,
        ),
    ]
    return service_page(
        "catalog",
        "事项服务 / Catalogue",
        "服务事项、办事指南与检索。 / Service items, guides and search.",
        ("事项 / Items", own),
    )
