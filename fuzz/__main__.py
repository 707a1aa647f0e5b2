"""``python -m fuzz``: every service's operations, on the embedded platform on loopback; writes build/evidence/fuzz.json."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import click

from chassis import log
from evidence.parts import keep_part
from evidence.record import FOLDER
from fuzz.campaign import Found
from fuzz.pieces import run_piece
from gateway.routes import SERVICES

SEEDS = 1_000_000  # between two pieces: a batch each


@click.command()
@click.option("--requests", "wanted", default=100_000, show_default=True, help="per service / 每个服务的请求数")
@click.option("--minutes", default=180.0, show_default=True, help="at most / 最长分钟数")
@click.option("--service", "services", multiple=True, type=click.Choice(list(SERVICES)), help="default: all / 默认全部")
@click.option("--seed", "start", default=1, show_default=True)
@click.option("--processes", default=os.cpu_count() or 1, show_default=True, help="each with a platform / 各带一个平台")
def main(wanted: int, minutes: float, services: tuple[str, ...], start: int, processes: int) -> None:
    """由接口文档生成的模糊测试 / fuzzing from the OpenAPI document."""
    log.configure("fuzz", "WARNING")
    began = time.monotonic()
    found = {service: Found() for service in services or SERVICES}
    pieces = [(service, piece) for service in found for piece in range(processes)]
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        share = -(-wanted // processes)
        until = time.time() + 60 * minutes
        made = [pool.submit(run_piece, service, share, start + piece * SEEDS, until) for service, piece in pieces]
        for (service, _), one in zip(pieces, made, strict=True):
            found[service].add(one.result())
    for service, seen in found.items():
        print(_line(service, seen), flush=True)
    seconds = time.monotonic() - began
    print(f"{sum(one.requests for one in found.values()) / seconds:.1f} 请求每秒 requests/s")
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
    passed = [_keep(service, one, wanted) for service, one in found.items()]
    (FOLDER / "fuzz-problems.json").write_text(json.dumps(problems, ensure_ascii=False, indent=2), encoding="utf-8")
    return all(passed)


def _keep(service: str, found: Found, wanted: int) -> bool:
    figures: dict[str, float] = {
        f"{service}_requests": found.requests,
        f"{service}_operations": len(found.operations),
        f"{service}_problems": len(found.problems),
    }
    goals = {
        f"{service}_requests": (f">= {wanted}", found.requests >= wanted),
        f"{service}_problems": ("= 0", not found.problems),
    }
    return keep_part("fuzz", service, figures, goals)


if __name__ == "__main__":
    main()
