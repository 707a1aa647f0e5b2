"""``python -m evidence.page``: keep the newest results beside the documents, and write ``docs/evidence.md`` from them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from evidence.record import FOLDER

KEPT = Path("docs/evidence")
PAGE = Path("docs/evidence.md")
# target -> what it is; in the order of the page
TITLES = {
    "demo": "演示，内嵌 / The demonstration, embedded",
    "demo-servers": "演示，真实服务器 / The demonstration on real servers",
    "run": "内嵌平台的开销 / What the embedded platform costs",
    "up": "整个平台在一台机器上的开销 / What the whole platform costs on one machine",
    "failpoints": "每个进程在每个故障点被强制终止 / Every process killed at every failpoint",
    "chaos": "随机故障 / Random faults",
    "rolling": "滚动重启 / Rolling restarts",
    "mutants": "植入缺陷须被发现 / Planted bugs that must be found",
    "clocks": "时限推演 / The statutory clock against its oracle",
    "fuzz": "由接口文档生成的模糊测试 / Fuzzing from the API's document",
    "bench": "性能 / Performance",
    "bench-peers": "与同类软件相比 / Against peers",
}
HEAD = """\
# 证据 / Evidence

由 `make evidence` 根据各命令写下的 JSON 生成，请勿手改；每个数字都可用所列命令重新测得。原始文件在 [evidence/](evidence/)。
Written by `make evidence` from the JSON that each command left; not to be edited. Each number can be measured again with the
command named. The files are in [evidence/](evidence/).
"""
LONG = 30


def render(results: Iterable[Mapping[str, Any]]) -> str:
    """The page for results as ``write_evidence`` made them, in the order of TITLES."""
    by_target = {result["target"]: result for result in results}
    return "\n".join([HEAD, *(_section(by_target[target]) for target in TITLES if target in by_target)])


def _section(result: Mapping[str, Any]) -> str:
    machine, commit = result["machine"], result["commit"]
    source = f"`make {result['target']}` · {result['date']} · {commit[:12]}{'+' * commit.endswith('+')}"
    lines = [
        f"## {TITLES[result['target']]}",
        "",
        f"{source} · {machine['cores']} 核 / cores · {machine['system']} · Python {machine['python']}",
        "",
        "| 目标 / goal | 要求 / wanted | 结果 / measured | |",
        "|---|---|---|---|",
    ]
    figures, goals = result["figures"], result["goals"]
    lines += [
        f"| {name} | {goal['goal']} | {_number(figures.get(name))} | {'达到 / met' if goal['met'] else '**未达到 / missed**'} |"
        for name, goal in goals.items()
    ]
    rest = {name: value for name, value in figures.items() if name not in goals}
    return "\n".join([*lines, "", *_figures(rest), ""])


def _figures(figures: Mapping[str, float]) -> list[str]:
    rows = ["| 数值 / figure | |", "|---|---:|", *(f"| {name} | {_number(value)} |" for name, value in figures.items())]
    if len(figures) <= LONG:
        return rows
    return [f"<details><summary>{len(figures)} 项 / figures</summary>", "", *rows, "", "</details>"]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.10g}"


def kept() -> list[dict[str, Any]]:
    """Results beside the documents."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(KEPT.glob("*.json"))]


def main() -> None:
    """Take over what ``build/evidence`` has and write the page."""
    KEPT.mkdir(exist_ok=True)
    for path in sorted(FOLDER.glob("*.json")):
        shutil.copy(path, KEPT)
    PAGE.write_text(render(kept()), encoding="utf-8")
    missing = [target for target in TITLES if not (KEPT / f"{target}.json").exists()]
    print(f"{PAGE}" + (f"；尚无 / not measured yet: {', '.join(missing)}" if missing else ""))


if __name__ == "__main__":
    main()
