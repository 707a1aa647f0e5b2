"""``tongban-department simulate``: a working example department. One JSON line per event on standard output."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contracts.case import Defect
from contracts.task import TaskCancelled
from department_sdk.amqp import AmqpDepartment
from department_sdk.answers import Answer, Task, agree, correction_needed, disagree, event_id
from department_sdk.desk import Rejection
from department_sdk.errors import Refused, Stopped
from department_sdk.https import HttpsDepartment


class Simulator:
    """Receives tasks, thinks for a while, answers; says on standard output what happens and when."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._delays: dict[str, float] = dict(options.delay_step)
        self._lock = threading.Lock()
        self._tasks: dict[str, Task] = {}
        self._decided = 0
        self.finished = threading.Event()
        self.stopping = threading.Event()

    def handle(self, task: Task) -> Answer:
        """The handler: every worker thread waits on its own."""
        with self._lock:
            self._tasks[task.task_id] = task
        self.say("received", task.task_id)
        if self.stopping.wait(self._delays.get(task.step, self._options.delay)):
            raise Stopped
        answer = self._answer(task)
        self.say("answered", task.task_id, verdict=answer.verdict, answer_id=event_id(answer.to(task.task_id)))
        with self._lock:
            self._decided += 1
            if self._options.once and self._decided >= self._options.once:
                self.finished.set()
        return answer

    def cancelled(self, cancelled: TaskCancelled) -> None:
        """Callback."""
        self.say("cancelled", cancelled.task_id, case_no=cancelled.case_no, reason=cancelled.reason)

    def refused(self, rejection: Rejection) -> None:
        """Callback."""
        self.say("refused", rejection.task_id, code=rejection.code, detail=rejection.detail)

    def say(self, event: str, task_id: str | None, **facts: Any) -> None:
        """One line; ``at`` is epoch seconds."""
        with self._lock:
            task = self._tasks.get(task_id or "")
            about = {"case_no": task and task.case_no, "step": task and task.step, "round": task and task.round}
            line = {"event": event, "task_id": task_id, **about, "department": self._options.department}
            print(json.dumps({**line, "at": time.time(), **facts}, ensure_ascii=False), flush=True)

    def _answer(self, task: Task) -> Answer:
        if self._options.verdict == "disagree":
            return disagree("模拟部门不同意 / the simulated department disagrees")
        if self._options.verdict == "correct" and task.round == 1:
            problem = "模拟部门要求补正 / the simulated department asks for correction"
            return correction_needed([Defect(material_code=self._options.correct_material, problem=problem)])
        officers = "、".join(f"模拟经办人{n}" for n in range(1, task.officers + 1)) if task.officers > 1 else None
        return agree("模拟部门同意 / the simulated department agrees", officer=officers)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point. Exits with 0 after SIGTERM, SIGINT or ``--once``, with 1 when the platform refuses the credentials."""
    options = _parse(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    simulator = Simulator(options)

    def leave(_signal: int, _frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        simulator.stopping.set()
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    with tempfile.TemporaryDirectory(prefix="tongban-department-") as folder:
        journal = options.journal or Path(folder) / "journal.sqlite"
        department = _connect(options, journal)
        simulator.say("started", None)
        threading.Thread(target=_stop_when_finished, args=(simulator, department), daemon=True).start()
        try:
            _serve(simulator, department)
        except Refused as refused:
            simulator.say("refused", None, code=refused.code, detail=refused.detail)
            raise SystemExit(1) from None


def _serve(simulator: Simulator, department: AmqpDepartment | HttpsDepartment) -> None:
    department.serve(simulator.handle, on_cancelled=simulator.cancelled, on_refused=simulator.refused)


def _stop_when_finished(simulator: Simulator, department: AmqpDepartment | HttpsDepartment) -> None:
    simulator.finished.wait()
    department.stop()


def _connect(options: argparse.Namespace, journal: Path) -> AmqpDepartment | HttpsDepartment:
    if options.amqp:
        return AmqpDepartment(options.amqp, options.department, journal=journal, workers=options.workers)
    return HttpsDepartment(
        options.https,
        options.client_id or options.department,
        options.client_secret,
        options.ca_file,
        journal=journal,
        workers=options.workers,
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tongban-department", description="通办部门接入 / a department of Tongban")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    simulate = commands.add_parser("simulate", help="模拟一个部门 / play a department")
    simulate.add_argument("--department", required=True, help="部门代码 / department code, such as police")
    way = simulate.add_mutually_exclusive_group(required=True)
    way.add_argument("--amqp", metavar="URL", help="amqp://user:password@host:port")
    way.add_argument("--https", metavar="BASE", help="https://host:port")
    simulate.add_argument("--client-id", help="with --https; default: the department's code")
    secret = os.environ.get("TONGBAN_CLIENT_SECRET")
    simulate.add_argument("--client-secret", default=secret, help="with --https; or TONGBAN_CLIENT_SECRET")
    simulate.add_argument("--ca-file", type=Path, help="with --https: a private certificate authority (PEM)")
    simulate.add_argument("--delay", type=float, default=2.0, metavar="SECONDS", help="think this long over a task")
    simulate.add_argument(
        "--delay-step",
        type=_delay_of_step,
        action="append",
        default=[],
        metavar="STEP=SECONDS",
        help="and over this step",
    )
    simulate.add_argument("--verdict", choices=("agree", "disagree", "correct"), default="agree")
    simulate.add_argument("--correct-material", metavar="CODE", help="with --verdict correct: asked for in round 1")
    simulate.add_argument("--once", type=int, metavar="N", help="stop after N answers")
    simulate.add_argument("--workers", type=int, default=32, metavar="N", help="tasks at the same time")
    simulate.add_argument("--journal", type=Path, help="keep the journal in this file; default: a temporary one")
    options = parser.parse_args(arguments)
    if options.verdict == "correct" and not options.correct_material:
        parser.error("--verdict correct needs --correct-material")
    if options.https and not options.client_secret:
        parser.error("--https needs --client-secret or TONGBAN_CLIENT_SECRET")
    return options


def _delay_of_step(text: str) -> tuple[str, float]:
    step, sign, seconds = text.partition("=")
    if not (step and sign):
        raise argparse.ArgumentTypeError("STEP=SECONDS")
    return step, float(seconds)


if __name__ == "__main__":
    main()
