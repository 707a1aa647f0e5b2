"""``python -m fuzz``: every service's operations, on the embedded platform on loopback; writes build/evidence/fuzz.json."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import click

from chassis import log
from evidence.record import FOLDER, write_evidence
from fuzz.campaign import Campaign, Found
from fuzz.world import world
from gateway.routes import SERVICES


@click.command()
@click.option("--requests", "wanted", default=100_000, show_default=True, help="per service / 每个服务的请求数")
@click.option("--minutes", default=180.0, show_default=True, help="at most / 最长分钟数")
@click.option("--service", "services", multiple=True, type=click.Choice(list(SERVICES)), help="default: all / 默认全部")
@click.option("--seed", "start", default=1, show_default=True)
def main(wanted: int, minutes: float, services: tuple[str, ...], start: int) -> None:
    """由接口文档生成的模糊测试 / fuzzing from the OpenAPI document."""
    log.configure("fuzz", "WARNING")
    deadline = time.monotonic() + 60 * minutes
    found: dict[str, Found] = {}
    with tempfile.TemporaryDirectory(prefix="tongban-fuzz-") as name, world(Path(name)) as stage:
        for service in services or SERVICES:
            found[service] = Campaign(stage, service, wanted=wanted, start=start).run(deadline)
            print(_line(service, found[service]), flush=True)
    sys.exit(0 if _conclude(found, wanted) else 1)


def _line(service: str, found: Found) -> str:
    families = {
        f"{hundred}xx": sum(n for s, n in found.statuses.items() if s // 100 == hundred) for hundred in range(2, 6)
    }
    counts = "  ".join(f"{family} {number}" for family, number in families.items())
    return f"{service:<12}{found.requests:>9} 请求 requests  {counts}  问题 problems {len(found.problems)}"


def _conclude(found: dict[str, Found], wanted: int) -> bool:
    problems = {
        f"{service} {what}": example for service, one in found.items() for what, example in one.problems.items()
    }
    for what, example in problems.items():
        print(f"\n{what}\n{example}")
    figures: dict[str, float] = {}
    goals: dict[str, tuple[str, bool]] = {}
    for service, one in found.items():
        figures[f"{service}_requests"] = one.requests
        figures[f"{service}_operations"] = len(one.operations)
        figures[f"{service}_problems"] = len(one.problems)
        goals[f"{service}_requests"] = (f">= {wanted}", one.requests >= wanted)
        goals[f"{service}_problems"] = ("= 0", not one.problems)
    write_evidence("fuzz", figures, goals)
    (FOLDER / "fuzz-problems.json").write_text(json.dumps(problems, ensure_ascii=False, indent=2), encoding="utf-8")
    return all(met for _, met in goals.values())


if __name__ == "__main__":
    main()
