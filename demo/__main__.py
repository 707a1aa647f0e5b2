"""``python -m demo``: play the main job once on two real items; exit status 0 only if every check held."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import click

from chassis.log import configure
from demo.applications import ENROLMENT, SCHOOL_BUS
from demo.report import conclude, show
from demo.stages import embedded_stage, servers_stage
from demo.story import Told, let_the_silent_one_be_late, play, wait_until_open

SLOW_DEPARTMENT = "health"


@click.command()
@click.option("--servers", is_flag=True, help="RabbitMQ + PostgreSQL, every service its own process / 真实服务器")
@click.option("--keep", is_flag=True, help="keep the folder with data and logs / 保留数据与日志")
def main(servers: bool, keep: bool) -> None:
    """演示主流程 / play the main job."""
    configure("demo", "WARNING")
    folder = Path(tempfile.mkdtemp(prefix="tongban-demo-"))
    folder.chmod(0o755)
    target, stage_for = ("demo-servers", servers_stage) if servers else ("demo", embedded_stage)
    print("启动平台与各部门系统 / starting the platform and the departments …", flush=True)
    try:
        with stage_for(folder, SLOW_DEPARTMENT) as stage:
            wait_until_open(stage, [SCHOOL_BUS.item, ENROLMENT.item])
            stories: list[Told] = [
                play(stage, SCHOOL_BUS),
                play(stage, ENROLMENT, meanwhile=let_the_silent_one_be_late),
            ]
            refused = list(stage.departments.refused)
        for told in stories:
            show(told)
        passed = conclude(target, stories, slow_department=SLOW_DEPARTMENT, refused=refused)
    except Exception:
        print(f"日志与数据 / logs and data: {folder}", file=sys.stderr)
        raise
    if keep or not passed:
        print(f"日志与数据 / logs and data: {folder}")
    else:
        shutil.rmtree(folder)
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
