"""Electronic supervision: cards, complaints, ratings."""

from __future__ import annotations

from deploy.grafana.builders.panels import Limits, Page, Query, bars, graph, number


def page() -> Page:
    """The page."""
    cards = [
        number(
            "未结黄牌 / Open yellow cards",
            "临近或到期。 / On the last day.",
            'max(tongban_cards_open{level="yellow"}) or on () vector(0)',
            alerts=["DeadlinesLate"],
            limits=Limits(1, 10),
        ),
        number(
            "未结红牌 / Open red cards",
            "已逾期或违规。 / Late, or against the rules.",
            'max(tongban_cards_open{level="red"}) or on () vector(0)',
            alerts=["DeadlinesLate"],
            limits=Limits(1, 3),
        ),
        graph(
            "发牌 / Cards raised",
            "每小时，按规则与级别。 / An hour, by rule and level.",
            [
                Query(
                    "sum by (rule, level) (increase(tongban_cards_raised_total[1h])) or on () vector(0)",
                    "{{rule}} {{level}}",
                )
            ],
            unit="short",
            alerts=["DeadlinesLate"],
            span=16,
        ),
        number(
            "时钟判定距今 / Since the clocks were judged",
            "每秒判定一次是否应发牌。 / Whether a card is due is judged each second.",
            'time() - max(tongban_job_last_success_timestamp_seconds{job="audit.judge_clocks"})',
            unit="s",
            alerts=["JobNotRun"],
            limits=Limits(60, 300),
        ),
    ]
    people = [
        number(
            "待回访的差评 / Complaints to follow up",
            "差评须在期限内回访。 / Poor ratings are followed up within their time.",
            "max(tongban_complaints_open)",
            limits=Limits(1, 10),
        ),
        number(
            "满意率 / Share that is satisfied",
            "三十天内评价为三分以上者。 / Ratings of three and more within thirty days.",
            'sum(increase(tongban_ratings_total{score=~"[345]"}[30d]))'
            " / (sum(increase(tongban_ratings_total[30d])) > 0) or on () vector(1)",
            unit="percentunit",
            limits=Limits(0.95, 0.8, falling=True),
            least=0,
            most=1,
        ),
        bars(
            "好差评 / Ratings",
            "所选时段，按分数（5 为非常满意）。 / Within the time shown, by score; 5 is best.",
            Query("sum by (score) (increase(tongban_ratings_total[$__range])) or on () vector(0)", "{{score}}"),
            span=16,
        ),
    ]
    return Page(
        "supervision",
        "电子监察与好差评 / Supervision",
        "监察牌、差评与满意度。 / Cards, complaints and ratings.",
        [("监察牌 / Cards", cards), ("好差评 / What people say", people)],
    )
