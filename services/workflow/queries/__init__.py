"""Reads. Rights are columns of the query, never a filter behind it."""

from services.workflow.queries.appointments import appointment_for, appointments_of, day_list, slots_of
from services.workflow.queries.bundles import bundle_for, bundles_of
from services.workflow.queries.case_list import CaseFilter, cases_of, pages_of_cases
from services.workflow.queries.drafts import draft_of, drafts_of, package_drafts_of
from services.workflow.queries.estimates import typical_of
from services.workflow.queries.tasks import answered_tasks, open_tasks, task_for
from services.workflow.queries.whole_case import case_for, moves_after, require_readable
from services.workflow.queries.worklist import TaskFilter, pages_of_tasks, work_counts, work_list

__all__ = [
    "CaseFilter",
    "TaskFilter",
    "answered_tasks",
    "appointment_for",
    "appointments_of",
    "bundle_for",
    "bundles_of",
    "case_for",
    "cases_of",
    "day_list",
    "draft_of",
    "drafts_of",
    "moves_after",
    "open_tasks",
    "package_drafts_of",
    "pages_of_cases",
    "pages_of_tasks",
    "require_readable",
    "slots_of",
    "task_for",
    "typical_of",
    "work_counts",
    "work_list",
]
