"""部门登记: a department gets its place on the bus and in plans."""

from __future__ import annotations

from chassis.db import Tx
from chassis.errors import Refusal
from contracts.person import DepartmentRegistered
from services.identity.domain.directory import Department
from services.identity.models import departments
from services.identity.use_cases.tell_act import tell_act


def register_department(tx: Tx, department: Department, *, by: str) -> None:
    """Register and tell. Raises Refusal ``department_exists`` when its code or its credit code is taken."""
    if not add_department(tx, department):
        raise Refusal(
            "department_exists", "部门代码或信用代码已登记 / the department's code or credit code is registered"
        )
    tell_act(tx, "department.registered", by=by, on=department.code)


def add_department(tx: Tx, department: Department) -> bool:
    """Register and tell if it is new."""
    row = {
        "code": department.code,
        "name": department.name,
        "name_en": department.name_en,
        "uscc": department.uscc,
        "registered_at": tx.now,
    }
    if not tx.insert_new(departments, [row], [departments.c.code]):
        return False
    tx.tell(
        DepartmentRegistered(
            code=department.code, name=department.name, name_en=department.name_en, uscc=department.uscc
        )
    )
    return True
