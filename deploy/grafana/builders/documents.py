"""Documents: uploads and room for them; licences have a page of their own."""

from __future__ import annotations

from deploy.grafana.builders.panels import Limits, Page, Query, graph, number
from deploy.grafana.builders.services import service_page


def page() -> Page:
    """The page."""
    own = [
        graph(
            "上传 / Uploads",
            "每小时收下、已有与拒收的材料。 / Materials stored, known already and refused, an hour.",
            [Query("sum by (outcome) (increase(tongban_uploads_total[1h])) or on () vector(0)", "{{outcome}}")],
            unit="short",
            alerts=["ServiceErrors"],
        ),
        graph(
            "制证用时 / Time to make a licence",
            "排版与签名，中位数与最慢的百分之一。 / To set and sign it, the median and the slowest hundredth.",
            [
                Query(
                    f"histogram_quantile({share}, sum by (le) (rate(tongban_licence_seconds_bucket[$__rate_interval])))",
                    name,
                )
                for share, name in ((0.5, "p50"), (0.99, "p99"))
            ],
            unit="s",
            alerts=["EventDelayBudget"],
            limits=Limits(2, 10),
        ),
        number(
            "数据卷空闲 / Free room for data",
            "材料与证照所在卷。 / Of the volume with materials and licences.",
            'min(tongban_data_free_ratio{service="documents"})',
            unit="percentunit",
            alerts=["DataVolumeFilling"],
            limits=Limits(0.15, 0.05, falling=True),
            least=0,
            most=1,
            span=8,
        ),
    ]
    return service_page(
        "documents",
        "材料与证照服务 / Documents",
        "上传的材料与制证。 / Materials that are uploaded, and the making of licences.",
        ("材料与制证 / Materials and licences", own),
    )
