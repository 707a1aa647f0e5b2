"""The database has come back from a backup; departments and applicants remember more than it does."""

from __future__ import annotations

from contracts.task import TaskAssigned
from services.workflow.adapters import case_numbers
from services.workflow.models import db
from services.workflow.use_cases.acknowledge_tasks import acknowledge_tasks
from services.workflow.use_cases.after_restore import LEFT_OUT, after_restore
from services.workflow.use_cases.ring_again import ring_again
from tests.factories.items import make_item
from tests.services.workflow.conftest import Desk
from tests.support import told


def restore() -> None:
    with db.transaction() as tx:
        after_restore(tx, "YJS")
    case_numbers._reserved.clear()  # the processes of before are gone, and with them what they had reserved


def ring() -> int:
    with db.transaction() as tx:
        return ring_again(tx)


def test_departments_are_asked_again_for_what_is_open_and_for_nothing_else(desk: Desk) -> None:
    desk.publish(make_item())
    done, waiting = desk.new_case(), desk.new_case()
    desk.agree(done, ("education", "accept"))
    first = {task.task_id: task for task in told(db, TaskAssigned)}
    with db.transaction() as tx:
        acknowledge_tasks(tx, [(task_id, task.department) for task_id, task in first.items()])
    assert ring() == 0
    restore()
    before = len(told(db, TaskAssigned))
    assert ring() == len(first) - 1
    again = {task.task_id for task in told(db, TaskAssigned)[before:]}
    assert again == set(first) - {f"{done}-accept-1"}
    assert f"{waiting}-accept-1" in again


def test_a_number_that_may_stand_on_a_lost_receipt_is_not_given_again(desk: Desk) -> None:
    desk.publish(make_item())
    last = desk.new_case()
    restore()
    following = desk.new_case()
    assert following[:39] == last[:39], "of the same item and day"
    assert int(following[39:]) > int(last[39:]) + LEFT_OUT - case_numbers.BLOCK
