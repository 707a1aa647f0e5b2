"""Let a department read the materials of its tasks."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.bus import Delivery
from chassis.db import Tx
from contracts.task import TaskAssigned
from services.documents.models import material_grants


def grant_materials(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """One grant per department and material, whichever of its tasks came first."""
    tasks: list[TaskAssigned] = [d.event for d in deliveries]
    rows = [
        {"material_id": material.material_id, "department": task.department, "task_id": task.task_id}
        for task in tasks
        for material in task.materials
    ]
    tx.insert_new(material_grants, rows, [material_grants.c.material_id])
