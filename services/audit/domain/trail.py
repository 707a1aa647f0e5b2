"""How a case's trail reads: titles of events, and their order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar

TITLES: dict[str, tuple[str, str]] = {
    "party.registered": ("主体登记", "Party registered"),
    "department.registered": ("部门登记", "Department registered"),
    "administration.acted": ("管理行为", "Administrative act"),
    "item.published": ("事项发布", "Service item published"),
    "item.retired": ("事项取消", "Service item retired"),
    "case.submitted": ("收件", "Application received"),
    "case.accepted": ("受理", "Case accepted"),
    "case.not_accepted": ("不予受理", "Case not accepted"),
    "case.correction_requested": ("一次性补正告知", "Correction requested, once"),
    "case.corrected": ("材料补正", "Materials corrected"),
    "case.approved": ("准予决定", "Approved"),
    "case.denied": ("不予许可决定", "Denied"),
    "case.withdrawn": ("撤回申请", "Application withdrawn"),
    "case.special_procedure_started": ("特别程序开始", "Special procedure begins, the clock stops"),
    "case.special_procedure_ended": ("特别程序结束", "Special procedure ends, the clock runs again"),
    "case.reckoned": ("节假日公布，期限重新推算", "Holidays published, dates reckoned anew"),
    "case.extended": ("延长办理期限", "Time of decision extended"),
    "case.extension_refused": ("违规延长未准", "Unlawful extension refused"),
    "case.supplemented": ("容缺材料补齐", "Promised materials handed in"),
    "case.deemed_withdrawn": ("逾期未补，视为撤回", "Deemed withdrawn"),
    "case.revoked": ("撤销决定", "Decision revoked"),
    "case.terminated": ("终止办理", "Case terminated"),
    "case.delivery_moved": ("寄递进展", "Delivery by post"),
    "bundle.decided": ("一件事各件均已决定", "All cases of the bundle decided"),
    "appointment.booked": ("预约", "Appointment booked"),
    "appointment.cancelled": ("取消预约", "Appointment cancelled"),
    "appointment.due": ("预约提醒", "Appointment reminder"),
    "appointment.attended": ("预约到号登记", "Attendance noted"),
    "case.closed": ("办结", "Case closed"),
    "task.assigned": ("环节分派", "Task assigned to a department"),
    "task.reassigned": ("环节改派", "Task reassigned"),
    "task.cancelled": ("环节取消", "Task cancelled"),
    "task.received": ("部门签收", "Task received by the department"),
    "task.opinion_given": ("部门提交意见", "Opinion given by the department"),
    "task.opinion_recorded": ("部门意见记入", "Opinion recorded"),
    "task.opinion_refused": ("部门意见不予记入", "Opinion refused"),
    "material.stored": ("材料入库", "Material stored"),
    "licence.issued": ("证照签发", "Licence issued"),
    "card.raised": ("监察亮牌", "Supervision card raised"),
    "card.revoked": ("监察牌撤销", "Supervision card revoked"),
    "rating.given": ("服务评价", "Service rated"),
}


class Dated(Protocol):
    """What ordering needs of an entry."""

    @property
    def seq(self) -> int:
        """Place in the ledger."""

    @property
    def time(self) -> datetime:
        """When it happened, by its producer's clock."""

    @property
    def caseseq(self) -> int | None:
        """Place among the case's own events, where the producer gave one."""


Entry = TypeVar("Entry", bound=Dated)


def titles(event_type: str) -> tuple[str, str]:
    """Chinese and English title of an event type; an unknown one is its own title."""
    return TITLES.get(event_type.rsplit(".v", 1)[0], (event_type, event_type))


def in_order(entries: Sequence[Entry]) -> list[Entry]:
    """As it happened: ``caseseq`` where there is one, whatever the clocks said; the others fall in by their time."""
    numbered = sorted((e for e in entries if e.caseseq is not None), key=lambda e: (e.caseseq, e.seq))
    keyed: list[tuple[datetime, int, int, Entry]] = [(e.time, 0, e.seq, e) for e in entries if e.caseseq is None]
    latest: datetime | None = None
    for place, entry in enumerate(numbered, start=1):
        latest = entry.time if latest is None else max(latest, entry.time)
        keyed.append((latest, place, entry.seq, entry))
    return [key[3] for key in sorted(keyed, key=lambda key: key[:3])]
