"""What an application consists of beside its form: who may apply, and when; which materials its answers call for; what the
applicant chose (容缺、告知承诺、取件方式、延续). For those who apply and for those who take in at a counter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from portal.language import either
from portal.words import china_now

Item = Mapping[str, Any]
LONGEST_ADDRESS = 300


def asked_for(item: Item, form: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The guide's materials that these answers call for; nothing else may be handed in."""
    return [rule for rule in item["materials"] if holds(rule.get("when") or (), form)]


def not_asked_for(item: Item, form: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The others, which the guide says why they are not needed."""
    needless = [rule for rule in item["materials"] if not holds(rule.get("when") or (), form)]
    return [*needless, *item.get("needless", ())]


def holds(conditions: Iterable[Mapping[str, Any]], form: Mapping[str, Any]) -> bool:
    """Whether the answers meet all conditions; a question that is not answered meets none."""
    return all(_meets(condition, form.get(condition["field"])) for condition in conditions)


def _meets(condition: Mapping[str, Any], answer: Any) -> bool:
    if answer is None:
        return False
    choices, least, most = condition.get("one_of"), condition.get("at_least"), condition.get("at_most")
    if choices and not any(_same(answer, choice) for choice in choices):
        return False
    if least is None and most is None:
        return True
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return False
    return (least is None or answer >= least) and (most is None or answer <= most)


def _same(answer: Any, choice: Any) -> bool:
    """1 and true are different answers; of several choices (a list) one is enough."""
    if isinstance(answer, list):
        return any(_same(one, choice) for one in answer)
    return isinstance(answer, bool) == isinstance(choice, bool) and bool(answer == choice)


@dataclass(frozen=True)
class Round:
    """受理批次: the round that is open, or the one that comes next, or neither."""

    now: Mapping[str, Any] | None = None
    coming: Mapping[str, Any] | None = None


def round_of(item: Item) -> Round | None:
    """None for an item that takes applications all the year."""
    if not item.get("batches"):
        return None
    today = china_now().date().isoformat()
    now = next((one for one in item["batches"] if one["opens"] <= today <= one["closes"]), None)
    later = [one for one in item["batches"] if one["opens"] > today]
    return Round(now, min(later, key=lambda one: str(one["opens"]), default=None))


def closed_because(item: Item) -> str:
    """Why nobody can apply today: retired, suspended or batch; empty when one can."""
    if item["state"] != "in_force":
        return str(item["state"])
    batch = round_of(item)
    return "batch" if batch is not None and batch.now is None else ""


def eligibility_given(item: Item, posted: Mapping[str, str]) -> tuple[dict[str, bool], dict[str, str]]:
    """Answers to the item's questions (code -> answer), and what is missing (field -> sentence)."""
    answers, errors = dict[str, bool](), dict[str, str]()
    for question in item.get("eligibility") or ():
        field = f"eligible-{question['code']}"
        if posted.get(field) in ("yes", "no"):
            answers[question["code"]] = posted[field] == "yes"
        else:
            errors[field] = _("请回答：%(question)s", question=either(question, "question"))
    return answers, errors


def not_eligible(item: Item, answers: Mapping[str, bool]) -> list[str]:
    """Why who answers so does not qualify, a sentence each; empty for who does."""
    questions = item.get("eligibility") or ()
    return [either(one, "otherwise") for one in questions if answers.get(one["code"]) is not one["must_be"]]


def committed(item: Item, choices: Mapping[str, Any]) -> frozenset[str]:
    """告知承诺: codes of the materials that the chosen commitment stands in for; a package knows them already."""
    if "committed" in item:
        return frozenset(item["committed"])
    if not choices.get("commitment") or not item.get("commitment"):
        return frozenset()
    return frozenset(item["commitment"]["materials"])


def later(item: Item, form: Mapping[str, Any], choices: Mapping[str, Any], there: Collection[str]) -> list[str]:
    """容缺后补: codes of what is promised to follow, as far as it is asked for, may follow and is not there yet."""
    promised, stood_in = choices.get("later") or (), committed(item, choices)
    return [
        rule["code"]
        for rule in asked_for(item, form)
        if rule["code"] in promised
        and rule.get("later_working_days") is not None
        and rule["code"] not in there
        and rule["code"] not in stood_in
    ]


def missing(item: Item, form: Mapping[str, Any], choices: Mapping[str, Any], there: Collection[str]) -> dict[str, str]:
    """Required materials that are neither there nor promised: code -> sentence."""
    settled = {*there, *committed(item, choices), *later(item, form, choices, there)}
    return {
        rule["code"]: _("缺少必要材料：%(name)s", name=either(rule))
        for rule in asked_for(item, form)
        if rule["required"] and rule["code"] not in settled
    }


def delivery_given(item: Item, posted: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """取件方式 of the sent form, and what is wrong with it. Where there is one way only, nobody is asked."""
    ways = item.get("delivery_ways") or ["electronic"]
    way = ways[0] if len(ways) == 1 else posted.get("delivery_way", "")
    if way not in ways:
        return {}, {"delivery_way": _("请选择取件方式")}
    if way != "post":
        return {"delivery_way": way}, {}
    address = " ".join(posted.get("delivery_address", "").split())[:LONGEST_ADDRESS]
    chosen = {"delivery_way": way, "delivery_address": address}
    return chosen, {} if address else {"delivery_address": _("邮寄请填写收件地址、收件人和电话")}


def body_of(
    item: Item, form: Mapping[str, Any], choices: Mapping[str, Any], receipts: Mapping[str, str]
) -> dict[str, Any]:
    """The application as the API takes it. ``receipts`` of materials by code; those not asked for stay out."""
    codes = {rule["code"] for rule in asked_for(item, form)}
    there = {code: receipt for code, receipt in receipts.items() if code in codes}
    return {
        "item_code": item["item_code"],
        "item_version": item["version"],
        "form": form,
        "materials": list(there.values()),
        "later": later(item, form, choices, there),
        "commitment": bool(committed(item, choices)),
        "eligibility": choices.get("eligibility") or {},
        "delivery_way": choices.get("delivery_way") or None,
        "delivery_address": choices.get("delivery_address") or None,
        "renews_licence": choices.get("renews_licence") or None,
    }
