"""The clock in."""

from __future__ import annotations

from chassis import workdays
from chassis.service import Job
from services.workflow.models import db
from services.workflow.use_cases.ask_courier import ask_courier
from services.workflow.use_cases.fire_deadlines import fire_deadlines
from services.workflow.use_cases.forget_drafts import forget_drafts
from services.workflow.use_cases.learn_durations import learn_durations
from services.workflow.use_cases.reckon_published import reckon_published
from services.workflow.use_cases.remind_of_appointments import remind_of_appointments
from services.workflow.use_cases.ring_again import ring_again

DAY_S = 86_400.0
RECKON_EVERY_S = 60.0
ASK_COURIER_EVERY_S = 60.0
REMIND_EVERY_S = 600.0
LEARN_EVERY_S = 20.0

_reckoned_by = [0]


def _ring() -> None:
    with db.transaction() as tx:
        ring_again(tx)


def _deadlines() -> None:
    more = True
    while more:
        with db.transaction() as tx:
            more = fire_deadlines(tx)


def _reckon() -> None:
    """Once in each process for each year that is published."""
    year = workdays.last_published_year()
    if year == _reckoned_by[0]:
        return
    after: str | None = ""
    while after is not None:
        with db.transaction() as tx:
            after = reckon_published(tx, after)
    _reckoned_by[0] = year


def _forget() -> None:
    more = True
    while more:
        with db.transaction() as tx:
            more = forget_drafts(tx)


def _learn() -> None:
    more = True
    while more:
        with db.transaction() as tx:
            more = learn_durations(tx)


def _remind() -> None:
    more = True
    while more:
        with db.transaction() as tx:
            more = remind_of_appointments(tx)


def _ask_courier() -> None:
    while ask_courier():
        pass


JOBS = (
    Job("workflow.ring_again", 5.0, _ring),
    Job("workflow.fire_deadlines", 5.0, _deadlines),
    Job("workflow.reckon_published", RECKON_EVERY_S, _reckon),
    Job("workflow.remind_of_appointments", REMIND_EVERY_S, _remind),
    Job("workflow.ask_courier", ASK_COURIER_EVERY_S, _ask_courier),
    Job("workflow.forget_drafts", DAY_S, _forget),
    Job("workflow.learn_durations", LEARN_EVERY_S, _learn),
)
