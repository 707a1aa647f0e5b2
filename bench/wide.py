"""A platform with many departments: a directory, a catalogue and department programs made for one run."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from stdnum.cn.uscc import calc_check_digit

from bench.processes import Workers
from department_sdk import Answer, Task, agree
from department_sdk.amqp import AmqpDepartment
from localservers.platform import ServerPlatform, directory
from localservers.postgresql import PostgreSQL
from localservers.rabbitmq import RabbitMQ

LEAD = "education"
PATTERN = Path("catalogs/items/school-bus-permit.yaml")
TOGETHER = 10  # departments that share a process, each with its own virtual host, user, connection, journal and threads
WORKERS = 2


def department(number: int) -> str:
    """Code of a department made here, from 1."""
    return f"d{number:02d}"


def item_name(width: int) -> str:
    """Name of the item with so many opinions at once."""
    return f"{width}部门并行办理"


class WidePlatform(ServerPlatform):
    """The platform with ``widest`` departments more than the demonstration's, and an item for each of ``widths``."""

    def __init__(self, folder: Path, postgresql: PostgreSQL, rabbitmq: RabbitMQ, widths: Sequence[int]) -> None:
        super().__init__(folder, postgresql, rabbitmq)
        self.departments = [LEAD, *(department(n + 1) for n in range(max(widths)))]
        self._passwords |= {code: secrets.token_urlsafe(16) for code in self.departments}
        self._directory_file, self._catalog_dir = folder / "directory.yaml", folder / "catalogs"
        self._directory_file.write_text(yaml.safe_dump(_directory(max(widths)), allow_unicode=True), encoding="utf-8")
        (self._catalog_dir / "items").mkdir(parents=True)
        for width in widths:
            file = self._catalog_dir / "items" / f"wide-{width}.yaml"
            file.write_text(yaml.safe_dump(_item(width), allow_unicode=True), encoding="utf-8")

    def _common(self, user: str) -> dict[str, str]:
        return super()._common(user) | {
            "TONGBAN_DIRECTORY_FILE": str(self._directory_file),
            "TONGBAN_CATALOG_DIR": str(self._catalog_dir),
        }

    def start_departments(self, workers: Workers, think_s: float) -> None:
        """Each waits ``think_s`` over a task and agrees; the lead department answers at once."""
        workers.start(host, [(LEAD, self.department_broker(LEAD))], str(self.folder), 0.0)
        doors = [(code, self.department_broker(code)) for code in self.departments if code != LEAD]
        for start in range(0, len(doors), TOGETHER):
            workers.start(host, doors[start : start + TOGETHER], str(self.folder), think_s)


def host(doors: Sequence[tuple[str, str]], folder: str, think_s: float) -> None:
    """Process: departments by code and AMQP URL, each as if it were alone."""

    def handle(_task: Task) -> Answer:
        time.sleep(think_s)
        return agree("同意 / agreed")

    def serve(code: str, url: str) -> None:
        AmqpDepartment(url, code, journal=Path(folder) / f"journal-{code}.sqlite", workers=WORKERS).serve(handle)

    threads = [threading.Thread(target=serve, args=door) for door in doors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _directory(count: int) -> dict[str, Any]:
    content = directory()
    for number in range(1, count + 1):
        code, first17 = department(number), f"11339999YX{9000 + number:07d}"
        content["departments"].append(
            {
                "code": code,
                "name": f"第{number}部门",
                "name_en": f"Department {number}",
                "uscc": first17 + calc_check_digit(first17),
            }
        )
    return content


def _item(width: int) -> dict[str, Any]:
    """The shipped school bus item without materials, its plan widened: acceptance, opinions all at once, decision."""
    item: dict[str, Any] = yaml.safe_load(PATTERN.read_text(encoding="utf-8"))
    basic_code = f"000105{900 + width}000"
    opinions = [_step(department(n + 1), department(n + 1), "opinion", ["accept"]) for n in range(width)]
    decision = _step("decide", LEAD, "decision", [step["step"] for step in opinions])
    return item | {
        "item_code": item["item_code"][:19] + basic_code,
        "basic_code": basic_code,
        "name": item_name(width),
        "name_en": f"{width} departments at once",
        "materials": [],
        "plan": [_step("accept", LEAD, "acceptance", []), *opinions, decision],
        "handling_items": [],
    }


def _step(step: str, code: str, kind: str, after: list[str]) -> dict[str, Any]:
    return {
        "step": step,
        "name": step,
        "name_en": step,
        "department": code,
        "kind": kind,
        "limit_working_days": 3,
        "after": after,
    }
