"""The opinion form: what can be said on a step, what was filled in, what is wrong with it, what will happen."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from portal.language import either
from portal.officer.dossier import Dossier
from portal.staff import AGREE, ANSWERS, CORRECTION, DISAGREE
from portal.words import VERDICTS, Word

LONGEST_REASON = 4000
LONGEST_PROBLEM = 1000
LONGEST_CONDITION = 500
MOST_CONDITIONS = 20
UNCONDITIONAL = ("delivery", "check")  # what is done or found there takes no conditions

# Why the API did not take an opinion, and what now.
REFUSALS = {
    "opinion_already_given": Word(
        "本部门已经答复过这个任务，这一份没有记入。",
        "Your department has answered this task already; this answer was not recorded.",
    ),
    "idempotency_key_reused": Word(
        "这张表单已经提交过一份意见，这一份没有记入。",
        "An opinion was sent from this form before; this one was not recorded.",
    ),
    "opinion_too_late": Word(
        "办件已有结果，这个任务已终止，意见没有记入。",
        "The case has been concluded and the task has ended; the opinion was not recorded.",
    ),
    "case_withdrawn": Word(
        "申请人已撤回申请，不再需要意见，意见没有记入。",
        "The applicant has withdrawn the application; no opinion is needed and none was recorded.",
    ),
    "second_correction_refused": Word(
        "本件已发过一次补正告知书，法律不允许再次要求补正。请改选其他意见。",
        "A correction notice has gone out on this case, and the law allows no second one. Choose another answer.",
    ),
    "material_not_in_guide": Word(
        "勾选的材料不在办事指南中，请刷新后重选。",
        "A ticked material is not in the guide. Reload the page and choose again.",
    ),
    "second_officer_required": Word(
        "您已签署过本环节，须由另一名经办人签署。",
        "You have signed this step already; another officer has to sign.",
    ),
    "signatures_differ": Word(
        "与另一名经办人已签署的意见不一致，没有记入。两人的意见须一致。",
        "It differs from what the other officer signed and was not recorded. Both have to say the same.",
    ),
    "task_of_another_officer": Word(
        "该任务已改派给指定的经办人，您的意见没有记入。",
        "The task was given to another officer; your opinion was not recorded.",
    ),
    "materials_outstanding": Word(
        "申请人承诺后补的材料还没有补齐，不能准予。",
        "What the applicant promised to hand in later is not there yet: the case cannot be granted.",
    ),
    "decider_is_examiner": Word(
        "您审查过本件，不能由您作出决定。请由另一名经办人办理。",
        "You have examined this case, so you may not decide it. Another officer has to.",
    ),
    "move_not_allowed": Word(
        "办件的状态刚刚变了，意见没有记入，请刷新查看。",
        "The case has just changed its state; the opinion was not recorded. Reload to see it.",
    ),
}


def allowed(dossier: Dossier) -> dict[str, Word]:
    """What may be said now: a second correction notice may not be asked for."""
    answers = ANSWERS.get(dossier.kind, VERDICTS)
    return {code: word for code, word in answers.items() if code != CORRECTION or not dossier.correction_used}


@dataclass(frozen=True)
class Draft:
    """What stands in the form. ``key`` makes its sending unique; ``problems`` is by material, ticked or not; ``written`` are
    conditions, one a line.
    """

    key: str
    verdict: str = ""
    reason: str = ""
    ticked: tuple[str, ...] = ()
    written: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def defects(self) -> list[dict[str, str]]:
        """The materials to be corrected, as the API takes them."""
        if self.verdict != CORRECTION:
            return []
        return [{"material_code": code, "problem": self.problems.get(code, "")} for code in self.ticked]

    @property
    def conditions(self) -> list[str]:
        """有条件同意: on which the department agrees; with another verdict none are sent."""
        lines = [line.strip() for line in self.written.splitlines()]
        return [line for line in lines if line] if self.verdict == AGREE else []

    def body(self, officer: str) -> dict[str, Any]:
        """What is sent."""
        said = {"verdict": self.verdict, "reason": self.reason, "defects": self.defects, "officer": officer}
        return said | ({"conditions": self.conditions} if self.conditions else {})


def fresh(dossier: Dossier) -> Draft:
    """An empty form; where there is one answer only, it is chosen."""
    answers = allowed(dossier)
    return Draft(str(uuid.uuid4()), next(iter(answers)) if len(answers) == 1 else "")


def read(posted: MultiDict[str, str], dossier: Dossier) -> Draft:
    """What was filled in."""
    problems = {code: _text(posted, f"problem-{code}") for code in dossier.rules}
    return Draft(
        key=posted.get("key", "")[:100] or str(uuid.uuid4()),
        verdict=posted.get("verdict", ""),
        reason=_text(posted, "reason"),
        ticked=tuple(code for code in dossier.rules if code in posted.getlist("defect")),
        problems={code: text for code, text in problems.items() if text},
        written="" if dossier.kind in UNCONDITIONAL else _text(posted, "conditions"),
    )


def _text(posted: MultiDict[str, str], name: str) -> str:
    return posted.get(name, "").replace("\r\n", "\n").strip()


def errors_in(draft: Draft, dossier: Dossier) -> dict[str, str]:
    """What is wrong, a sentence for each field."""
    found: dict[str, str] = {}
    if draft.verdict not in allowed(dossier):
        found["verdict"] = _("请选择意见")
    if draft.verdict == DISAGREE and not draft.reason:
        found["reason"] = _("请写明理由")
    if dossier.kind == "ruling" and not draft.reason:
        found["reason"] = _("裁决必须写明理由")
    if len(draft.conditions) > MOST_CONDITIONS or any(len(one) > LONGEST_CONDITION for one in draft.conditions):
        found["conditions"] = _(
            "条件最多 %(most)s 条，每条最多 %(count)s 个字", most=MOST_CONDITIONS, count=LONGEST_CONDITION
        )
    if len(draft.reason) > LONGEST_REASON:
        found["reason"] = _("理由最多 %(count)s 个字", count=LONGEST_REASON)
    if draft.verdict == CORRECTION:
        found |= _defect_errors(draft, dossier)
    return found


def _defect_errors(draft: Draft, dossier: Dossier) -> dict[str, str]:
    if not draft.ticked:
        return {"defects": _("请勾选需要补正的材料")}
    found = {}
    for defect in draft.defects:
        name = either(dossier.rules[defect["material_code"]])
        if not defect["problem"]:
            found[f"problem-{defect['material_code']}"] = _("请写明问题：%(material)s", material=name)
        elif len(defect["problem"]) > LONGEST_PROBLEM:
            found[f"problem-{defect['material_code']}"] = _(
                "问题最多 %(count)s 个字：%(material)s", count=LONGEST_PROBLEM, material=name
            )
    return found


def consequences(draft: Draft, dossier: Dossier) -> list[str]:
    """What will happen when this is sent, a sentence each."""
    if dossier.signers_needed > len(dossier.task.get("signatures") or ()) + 1:
        return [
            _(
                "本环节须 %(count)s 名经办人签署。您的签署先记录下来，另一名经办人签署同样的意见后才生效。",
                count=dossier.signers_needed,
            )
        ]
    if draft.verdict == CORRECTION:
        return _after_correction(dossier)
    if dossier.kind in ("ruling", "check", "pre_review"):
        return _of_duty(draft, dossier)
    if draft.verdict == DISAGREE and dossier.kind == "acceptance":
        return [
            _("办件以“不予受理”终结，申请人收到您写的理由。"),
            _("申请人如不服，可以在六十日内申请行政复议，或者在六个月内提起行政诉讼；通知中会写明。"),
        ]
    if draft.verdict == DISAGREE and dossier.kind == "decision":
        return [
            _("作出不予许可的决定，办件终结，申请人收到您写的理由。"),
            _("申请人如不服，可以在六十日内申请行政复议，或者在六个月内提起行政诉讼；通知中会写明。"),
        ]
    return [*_meaning(draft, dossier), *_next(dossier)]


def _after_correction(dossier: Dossier) -> list[str]:
    at_work = dossier.at_work()
    if at_work:
        first = _(
            "先记录本部门的补正要求；待 %(departments)s 答复后，各部门的要求合并为一份补正告知书发给申请人。",
            departments=_list(at_work),
        )
    else:
        first = _("补正告知书随即发给申请人，已提出的补正要求都在这一份里。")
    return [
        first,
        _("申请人补齐后，本环节再次交本部门办理。"),
        _("法律只允许一次性告知：这份告知书发出后，各部门都不能再要求补正。"),
    ]


def _meaning(draft: Draft, dossier: Dossier) -> list[str]:
    if dossier.kind == "acceptance":
        return [_("办件正式受理，承诺的办理期限从明天起计算，申请人立即得知。")]
    if dossier.kind == "decision":
        licence = either(dossier.guide.get("result", {}).get("licence", {}))
        return [_("作出准予的决定，平台随即制作电子证照“%(licence)s”并告知申请人。", licence=licence)]
    if dossier.kind == "delivery":
        return [_("记录送达完成。证照已制作、各送达环节都完成后，办件办结。")]
    if draft.verdict == DISAGREE:
        return [_("不同意的意见和理由交给后续环节；办件不因此终结，由作出决定的部门权衡。")]
    return [_("意见记入办件，交给后续环节。")]


def _of_duty(draft: Draft, dossier: Dossier) -> list[str]:
    if dossier.kind == "pre_review":
        return [_("预审通过，交受理环节决定是否受理。")]
    if dossier.kind == "check" and draft.verdict == DISAGREE:
        return [
            _("撤销准予的决定，证照随即作废，申请人收到您写的理由。"),
            _("申请人如不服，可以在六十日内申请行政复议，或者在六个月内提起行政诉讼；通知中会写明。"),
        ]
    if dossier.kind == "check":
        return [_("核查通过，办件办结。")]
    if draft.verdict == DISAGREE:
        return [_("异议成立。办件不因此终结；仍要准予的，决定人必须写明理由。"), *_next(dossier)]
    return [_("异议不影响办理，理由记入办件。"), *_next(dossier)]


def _next(dossier: Dossier) -> list[str]:
    asked = dossier.corrections_asked()
    if asked and dossier.at_work():
        return [_("%(departments)s 已要求补正；待其余部门答复后，补正告知书发给申请人。", departments=_list(asked))]
    if asked:
        return [_("%(departments)s 已要求补正；本意见提交后，补正告知书随即发给申请人。", departments=_list(asked))]
    steps = [
        _("%(step)s（%(department)s）", step=either(step), department=dossier.department(step["department"]))
        for step in dossier.following()
    ]
    if steps:
        return [_("接着开始：%(steps)s。", steps=_list(steps))]
    if at_work := dossier.at_work():
        return [_("后续环节等待 %(departments)s 答复后开始。", departments=_list(at_work))]
    return []


def _list(names: list[str]) -> str:
    comma: str = _("、")
    return comma.join(dict.fromkeys(names))
