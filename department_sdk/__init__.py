"""What a department system installs: receive tasks and answer them, over AMQP or over HTTPS."""

from __future__ import annotations

from contracts.case import Defect
from contracts.task import TaskCancelled
from department_sdk.amqp import AmqpDepartment
from department_sdk.answers import Answer, Task, agree, correction_needed, disagree
from department_sdk.desk import Rejection
from department_sdk.errors import Damaged, Refused, Stopped
from department_sdk.https import HttpsDepartment

__all__ = [
    "AmqpDepartment",
    "Answer",
    "Damaged",
    "Defect",
    "HttpsDepartment",
    "Refused",
    "Rejection",
    "Stopped",
    "Task",
    "TaskCancelled",
    "agree",
    "correction_needed",
    "disagree",
]
