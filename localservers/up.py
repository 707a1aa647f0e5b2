"""``python -m localservers.up``: the whole platform on this machine, watched, with steady demo traffic, until stopped.

It ends with status 0 after Ctrl-C or SIGTERM, when all it started has ended; killed -9 it takes everything along.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from demo.traffic import OFFICER_OF, RATE_PER_MINUTE
from evidence.record import write_evidence
from evidence.usage import cpu_seconds, memory_bytes, tree
from localservers.attendant import Attendant
from localservers.child import ServerDied
from localservers.platform import DOORS, EACH_ROLE, SERVICES, directory
from localservers.processes import Program
from localservers.requirements import ServerMissing
from localservers.welcome import ready_line, welcome, write_addresses
from localservers.whole import DEPARTMENT_DELAY_S, RULES, SCRAPE_S, WholePlatform

FOLDER, LOCK = Path("build/up"), "lock"
TRAFFIC = "traffic"
LOOK_S = 0.5
SETTLED_S, WINDOW_S = 15.0, 20.0


def _instances(value: str) -> int | dict[str, int]:
    """Of ``2``, or ``workflow=2,gateway=2``."""
    try:
        if value.isdecimal():
            return max(1, int(value))
        counts = {name: max(1, int(number)) for name, _, number in (part.partition("=") for part in value.split(","))}
    except ValueError:
        raise click.BadParameter(f"{value!r}: 2，或 / or workflow=2,gateway=2") from None
    if unknown := set(counts) - {*SERVICES, *DOORS}:
        raise click.BadParameter(f"没有这些服务 / no such services: {', '.join(sorted(unknown))}")
    return counts


@click.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="public port / 对外端口")
@click.option("--folder", default=FOLDER, show_default=True, type=click.Path(path_type=Path, file_okay=False),
              help="data and logs / 数据与日志")  # fmt: skip
@click.option("--keep", is_flag=True, help="go on with the data of the last run / 沿用上次的数据")
@click.option("--restart", is_flag=True, help="start a part again that has ended / 重启已结束的部件")
@click.option("--rate", default=RATE_PER_MINUTE, show_default=True, type=click.FloatRange(0, 120),
              help="applications a minute, 0: no traffic / 每分钟申请数，0 为无流量")  # fmt: skip
@click.option("--cases", type=click.IntRange(min=1), help="traffic ends when so many are closed / 办结若干件后停止流量")
@click.option("--instances", default="2", show_default=True, type=_instances, help="of web roles / 网页角色的实例数")
@click.option("--small", is_flag=True,
              help="each service one process, one instance: half the memory / 每服务一个进程，内存减半")  # fmt: skip
@click.option("--delay", default=DEPARTMENT_DELAY_S, show_default=True, help="a department's seconds / 部门用时（秒）")
@click.option("--scrape", default=SCRAPE_S, show_default=True, type=click.IntRange(min=1),
              help="seconds between two looks of Prometheus / 采集间隔（秒）")  # fmt: skip
@click.option("--rules", multiple=True, default=[RULES], show_default=True, type=click.Path(path_type=Path),
              help="alert rules / 告警规则")  # fmt: skip
@click.option("--measure/--no-measure", default=True, help="write build/evidence/up.json / 写入测量结果")
def main(
    port: int, folder: Path, *, keep: bool, restart: bool, rate: float, cases: int | None, small: bool,
    instances: int | Mapping[str, int], delay: float, scrape: int, rules: tuple[Path, ...], measure: bool,
) -> None:  # fmt: skip
    """不用容器，在本机启动整个平台并监控 / the whole platform on this machine, watched, without containers."""
    began = time.monotonic()
    try:
        with _held(folder, keep=keep):
            _require_free(port)
            _end_once()
            click.echo("启动各部件 / starting the parts …")
            whole = WholePlatform(
                folder, roles=("all",) if small else EACH_ROLE, instances=1 if small else instances,
                public_url=f"http://localhost:{port}", simulated=_simulated(rate), delay_s=delay, rules=rules, scrape_s=scrape,
                tell=lambda name, address: click.echo(ready_line(name, address, time.monotonic() - began)),
            )  # fmt: skip
            with whole:
                if rate:
                    whole.start(_traffic(whole, rate, cases))
                write_addresses(whole)
                click.echo(welcome(whole, rate=rate))
                if measure:
                    threading.Thread(target=_measure, args=(time.monotonic() - began, rate), daemon=True).start()
                finite = [TRAFFIC] if cases else []
                attendant = Attendant(whole, restart=restart, say=click.echo, finite=finite)
                while True:
                    attendant.look()
                    time.sleep(LOOK_S)
    except KeyboardInterrupt:
        click.echo("已停止 / stopped")
    except (ServerMissing, ServerDied) as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def _end_once() -> None:
    """The first SIGTERM or Ctrl-C ends the run in order; what follows would only disturb that."""

    def end(_number: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        click.echo("正在停止 / stopping …")
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)


@contextmanager
def _held(folder: Path, *, keep: bool) -> Iterator[None]:
    """The folder for this run alone, empty unless the last run's data is there and wanted. Exits with status 1 when it is
    another's.
    """
    lock = folder / LOCK
    if folder.exists() and any(folder.iterdir()) and not lock.exists():
        _refuse(f"{folder}: 不是本命令的目录，未作改动 / not a folder of this command, left alone")
    folder.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            _refuse(f"{folder}: 正被另一次运行使用 / in use by another run")
        kept = keep and (folder / "postgresql" / "data" / "PG_VERSION").exists()
        if keep and not kept:
            click.echo("没有可沿用的数据 / there is no data to go on with")
        if not kept:
            for entry in folder.iterdir():
                if entry.name != LOCK:
                    shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        yield


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            _refuse(f"端口被占用 / the port is taken: {port} (--port)")


def _refuse(sentence: str) -> None:
    click.echo(sentence, err=True)
    sys.exit(1)


def _simulated(rate: float) -> list[str]:
    """Departments with a system of their own: all, but for the one whose officer works in the traffic."""
    codes = [client["department"] for client in directory()["clients"]]
    return [code for code in codes if not rate or code != OFFICER_OF]


def _traffic(whole: WholePlatform, rate: float, cases: int | None) -> Program:
    arguments = ["--rate", str(rate), *(["--cases", str(cases)] if cases else [])]
    doors = [part for address in whole.platform.addresses("gateway") for part in ("--base-url", address)]
    return Program(TRAFFIC, "demo.traffic", (*arguments, *doors), {}, "")


def _measure(ready_s: float, rate: float) -> None:
    """Write what it costs once it has settled; CPU in percent of one core."""
    time.sleep(SETTLED_S)
    begun, before = time.monotonic(), cpu_seconds(tree(os.getpid()))
    time.sleep(WINDOW_S)
    pids = tree(os.getpid())
    figures = {
        "ready_s": round(ready_s, 1),
        "memory_mb": round(memory_bytes(pids) / 1e6),
        "cpu_percent": round(100 * (cpu_seconds(pids) - before) / (time.monotonic() - begun), 1),
        "applications_per_minute": rate,
        "processes": len(pids),
    }
    write_evidence("up", figures, {})
    click.echo(
        f"开销 / cost: 就绪 ready {figures['ready_s']} s，内存 memory {figures['memory_mb']} MB，"
        f"处理器 CPU {figures['cpu_percent']} % of a core，进程 processes {figures['processes']}"
    )


if __name__ == "__main__":
    main()
