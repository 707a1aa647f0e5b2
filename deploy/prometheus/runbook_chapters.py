"""Writes the chapters about alerts into the operations guide, from the rules and the runbooks beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from deploy.grafana.builders.panels import anchor

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- alerts -->", "<!-- /alerts -->"
HEAD = """\
## 告警 / Alerts

由 `make dashboards` 根据 `deploy/prometheus/` 生成，请勿手改。`page` 立即叫人，`ticket` 下一工作日处理。
Written by `make dashboards` from `deploy/prometheus/`; not to be edited. `page` wakes somebody, `ticket` waits for the next
working day. `<…>` stands for what the alert's labels or your installation say.

| 告警 / alert | 级别 / severity | 含义 / meaning |
|---|---|---|
"""


def write_chapters(guide: Path) -> int:
    """Put the chapters between the two markers; the rest stays. Returns how many alerts there are."""
    text = guide.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{guide}: {BEGIN} … {END} is missing")
    books = runbooks()
    guide.write_text(f"{before}{BEGIN}\n{render(books)}{END}{after}", encoding="utf-8")
    return len(books)


def runbooks() -> dict[str, Any]:
    """Alert -> its runbook, in the order of the rules; each with ``severity`` from the rules added."""
    found: dict[str, Any] = {}
    for path in sorted((HERE / "rules").glob("*.yaml")):
        severities: dict[str, list[str]] = {}
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    severities.setdefault(rule["alert"], []).append(rule["labels"]["severity"])
        if severities:
            books = yaml.safe_load((HERE / "runbooks" / path.name).read_text(encoding="utf-8"))
            found |= {name: books[name] | {"severity": sorted(kinds)} for name, kinds in severities.items()}
    return found


def render(books: dict[str, Any]) -> str:
    """The section as Markdown."""
    rows = [
        f"| [{name}](#{anchor(name)}) | {', '.join(book['severity'])} | {book['means']} |"
        for name, book in books.items()
    ]
    return HEAD + "\n".join(rows) + "\n\n" + "\n".join(line for name in books for line in _chapter(name, books[name]))


def _chapter(name: str, book: dict[str, Any]) -> Iterator[str]:
    yield from (f'<a id="{anchor(name)}"></a>', "", f"### {name}", "", str(book["means"]), "")
    yield f"- 申请人的感受 / what people notice: {book['notices']}"
    yield f"- 先看 / look here first: `tongban-{book['page']}`"
    yield from (f"  - {step}" for step in book["look"])
    yield from (f"  - `{command}`" for command in book["run"])
    if book["logs"]:
        yield f"  - 日志 / log lines: {', '.join(f'`{line}`' for line in book['logs'])}"
    yield "- 处理 / do this:"
    yield from (f"  - {step}" for step in book["do"])
    yield from (f"- 何时算好 / over when: {book['over']}", "")
