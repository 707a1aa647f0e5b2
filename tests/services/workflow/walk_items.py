"""Random items for random walks: plans with conditions, objections, two officers, views, rounds and every mode."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

from contracts.item import (
    Batch,
    Commitment,
    Condition,
    Extension,
    Item,
    LicenceTemplate,
    Limit,
    LimitUnit,
    MaterialRule,
    PlanStep,
    Renewal,
    SpecialProcedure,
    StartEvent,
    StepKind,
)

LEAD = "lead"
LICENCE_TYPE = "11339999YX0000040C001"
CODES = ("application", "plan", "insurance", "photo")
UNITS: tuple[LimitUnit, ...] = ("working_day", "day", "month")
STARTS: tuple[StartEvent, ...] = ("assigned", "assigned", "received", "accepted", "batch_closed")


def random_form(rng: random.Random) -> dict[str, Any]:
    """Answers that conditions ask about; some are left out."""
    answers = {"area": rng.choice((10, 100, 1000)), "kind": rng.choice(("a", "b")), "chain": rng.random() < 0.5}
    return {name: answer for name, answer in answers.items() if rng.random() < 0.9}


def _when(rng: random.Random) -> tuple[Condition, ...]:
    if rng.random() < 0.6:
        return ()
    return (
        rng.choice(
            (
                Condition(field="area", at_least=100),
                Condition(field="area", at_most=100),
                Condition(field="kind", one_of=("a",)),
                Condition(field="chain", one_of=(True,)),
            )
        ),
    )


def _limit(rng: random.Random) -> Limit:
    unit = rng.choice(UNITS)
    return Limit(amount=rng.randint(1, {"working_day": 20, "day": 40, "month": 2}[unit]), unit=unit)


def _step(rng: random.Random, name: str, department: str, kind: StepKind, *after: str, **fields: Any) -> PlanStep:
    return PlanStep(
        step=name,
        name=name,
        name_en=name,
        department=department,
        kind=kind,
        limit_working_days=rng.randint(1, 10),
        limit=_limit(rng) if rng.random() < 0.3 else None,
        starts_on=rng.choice(STARTS),
        after=after,
        materials=tuple(rng.sample(CODES, 2)) if kind in ("opinion", "examination") and rng.random() < 0.4 else None,
        **fields,
    )


def _plan(rng: random.Random) -> tuple[PlanStep, ...]:
    steps = [_step(rng, "look", LEAD, "pre_review")] if rng.random() < 0.25 else []
    steps.append(_step(rng, "accept", LEAD, "acceptance", *(step.step for step in steps)))
    names = ["accept"]
    for number in range(rng.randint(0, 4)):
        kind: StepKind = rng.choice(("opinion", "opinion", "opinion", "examination"))
        after = rng.sample(names, rng.randint(1, min(2, len(names))))
        officers = 2 if rng.random() < 0.15 else 1
        department = rng.choice(("police", "health", "fire", LEAD))
        name = f"s{number}"
        steps.append(_step(rng, name, department, kind, *after, when=_when(rng), officers=officers))
        names.append(name)
    steps.append(_step(rng, "decide", rng.choice((LEAD, "government")), "decision", *names))
    if rng.random() < 0.3:
        steps.append(_step(rng, "plate", "police", "delivery", "decide", when=_when(rng)))
    return tuple(steps)


def _material(code: str, **fields: Any) -> MaterialRule:
    return MaterialRule(
        code=code,
        name=code,
        name_en=code,
        basis="示例",
        media_types=("application/pdf",),
        max_bytes=1000,
        **{"required": code == "application"} | fields,
    )


def random_item(rng: random.Random, today: date) -> Item:
    """An item that the catalogue would publish."""
    closes = today + timedelta(days=rng.randint(0, 30))
    extension = Extension(limit=_limit(rng), approver=rng.choice(("agency_head", "government_head")))
    promise = Commitment(materials=("plan",), text="承诺", text_en="promise", check_within=_limit(rng))
    return Item(
        item_code="11339999YX0000016U4000105900000",
        version=1,
        basic_code="000105900000",
        name="事项",
        name_en="item",
        item_type=rng.choice(("01", "07")),
        lead_department=LEAD,
        statutory_limit=_limit(rng),
        committed_limit=_limit(rng),
        form_schema={},
        materials=(
            _material("application"),
            _material("plan", required=rng.random() < 0.5),
            _material("insurance", required=rng.random() < 0.5, later_working_days=rng.choice((None, 5))),
            _material("photo", when=_when(rng)),
        ),
        plan=_plan(rng),
        result=LicenceTemplate(name="证", name_en="licence", type_code=LICENCE_TYPE, issuer_name="", issuer_uscc=""),
        case_kind=rng.choice(("1", "2", "2", "2")),
        clock_starts_on=rng.choice(STARTS),
        joint=rng.random() < 0.3,
        extension=extension if rng.random() < 0.5 else None,
        special_procedures=(
            SpecialProcedure(code="review", name="评审", name_en="review", longest=Limit(amount=30, unit="day")),
        ),
        batches=(Batch(name="春", name_en="spring", opens=today, closes=closes),) if rng.random() < 0.2 else (),
        commitment=promise if rng.random() < 0.4 else None,
        delivery_ways=rng.choice((("electronic",), ("pick_up",))),
        renewal=Renewal(licence_type=LICENCE_TYPE) if rng.random() < 0.15 else None,
    )
