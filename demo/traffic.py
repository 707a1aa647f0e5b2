"""``python -m demo.traffic --base-url http://…``: people at work on a running platform, at a steady rate, until stopped.

Citizens read, apply with drafts and uploads, correct, rate; one department without a system of its own is worked for by its
officer; anyone verifies licences; a supervisor looks on. What is remembered is bounded, whatever goes on for however long. A part
that is away is no reason to stop: what could not be done is said and left. One JSON line per event on standard output.
"""

from __future__ import annotations

import itertools
import json
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import click
import urllib3

from demo.applications import Application
from demo.client import Api, ApiError
from demo.sign_in import SignInRefused
from demo.visits import (
    answer_tasks,
    apply_with_draft,
    check_licence,
    follow,
    look_around,
    open_items,
    rate,
    read_about,
)
from localservers.platform import directory

RATE_PER_MINUTE = 6.0
LONGEST_ROUND_S = 10.0  # with few applications people still come to look
OFFICER_OF = "health"
SIGNED_IN_FOR_S = 600.0
WATCHED = 30  # cases at the same time; of more the oldest are forgotten
RATED = 2  # of so many cases one is rated
LEVELS = (5, 4, 5, 1, 3)
TROUBLE = (ApiError, SignInRefused, urllib3.exceptions.HTTPError)


@dataclass(frozen=True)
class Applied:
    """A case and its applicant."""

    case_no: str
    username: str


@dataclass
class Town:
    """People and what they wait for. ``doors``: base URLs of the gateways, which are used in turn."""

    doors: Sequence[str]
    officer: str
    say: Callable[..., None]
    _signed_in: dict[str, tuple[float, Api]] = field(default_factory=dict)
    _running: deque[Applied] = field(default_factory=lambda: deque(maxlen=WATCHED))
    _closed: deque[Applied] = field(default_factory=lambda: deque(maxlen=WATCHED))

    def __post_init__(self) -> None:
        self._door, self._tasks, self._rated = itertools.cycle(self.doors), itertools.count(), itertools.count()
        self._passers_by = itertools.cycle([Api(door, ca_file=None) for door in self.doors])
        self._passwords = {account["username"]: account["password"] for account in directory()["accounts"]}
        self._applications: Iterator[Application] = iter(())

    @property
    def waits(self) -> bool:
        """Whether a case is not closed yet, or its rating not given."""
        return bool(self._running or self._closed)

    def apply(self) -> bool:
        """The next application, if any item is open yet. False when it failed."""
        return self._attempt("apply", self._apply)

    def round(self) -> None:
        """What everybody does between two applications."""
        self._attempt("officer", lambda: answer_tasks(self._person(self.officer), self._tasks))
        for _ in range(len(self._closed)):
            self._rate(self._closed.popleft())
        for _ in range(len(self._running)):
            self._follow(self._running.popleft())
        self._attempt("look", lambda: look_around(self._anyone(), self._person("supervisor")))

    def _apply(self) -> None:
        application = next(self._applications, None)
        if application is None:  # items come and go while the platform runs
            found = open_items(self._anyone())
            if not found:
                raise ApiError("no item is published yet")
            self._applications = iter(found)
            application = next(self._applications)
        guide = read_about(self._anyone(), application)
        case_no = apply_with_draft(self._person(application.username), application, guide)
        self._running.append(Applied(case_no, application.username))
        self.say("submitted", case_no=case_no, item=application.item)

    def _follow(self, applied: Applied) -> None:
        case: dict[str, Any] = {}
        person = applied.username
        if not self._attempt("follow", lambda: case.update(follow(self._person(person), applied.case_no))):
            self._running.append(applied)
        elif case["state"] == "closed":
            self._closed.append(applied)
            self._attempt("verify", lambda: check_licence(self._anyone(), self._person(person), case["licence_no"]))
            self.say("closed", case_no=applied.case_no, licence_no=case["licence_no"])
        elif case["closed_at"] is None:
            self._running.append(applied)
        else:
            self.say("ended", case_no=applied.case_no, state=case["state"])

    def _rate(self, applied: Applied) -> None:
        number = next(self._rated)
        if number % RATED == 0:
            level = LEVELS[number // RATED % len(LEVELS)]
            self._attempt("rate", lambda: rate(self._person(applied.username), applied.case_no, level))

    def _attempt(self, what: str, visit: Callable[[], object]) -> bool:
        try:
            visit()
        except TROUBLE as error:
            self.say("failed", what=what, error=str(error)[:300])
            if getattr(error, "status", 0) == 401:
                self._signed_in.clear()  # a session has ended
            return False
        return True

    def _anyone(self) -> Api:
        return next(self._passers_by)

    def _person(self, username: str) -> Api:
        since, api = self._signed_in.get(username, (float("-inf"), None))
        if api is None or time.monotonic() - since > SIGNED_IN_FOR_S:
            api = Api(next(self._door), ca_file=None, username=username, password=self._passwords[username])
            self._signed_in[username] = time.monotonic(), api
        return api


@click.command()
@click.option("--base-url", "doors", multiple=True, required=True, help="gateways / 网关地址")
@click.option("--rate", default=RATE_PER_MINUTE, show_default=True, type=click.FloatRange(min=0, min_open=True, max=120),
              help="applications a minute / 每分钟申请数")  # fmt: skip
@click.option("--cases", type=click.IntRange(min=1), help="end when so many are closed / 办结若干件后结束")
@click.option("--officer-of", default=OFFICER_OF, show_default=True, help="department without a system / 无系统的部门")
def main(doors: tuple[str, ...], rate: float, cases: int | None, officer_of: str) -> None:
    """稳定的演示流量 / steady demo traffic."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    town = Town(doors, f"officer-{officer_of}", _say)
    left, every_s = cases, 60.0 / rate
    next_s = time.monotonic()
    while not stop.is_set() and (left is None or left > 0 or town.waits):
        if left != 0 and time.monotonic() >= next_s:
            next_s = max(next_s + every_s, time.monotonic())
            if town.apply() and left is not None:
                left -= 1
        town.round()
        stop.wait(min(LONGEST_ROUND_S, every_s))
    _say("finished")


def _say(event: str, **facts: object) -> None:
    print(json.dumps({"event": event, "at": round(time.time(), 3), **facts}, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
