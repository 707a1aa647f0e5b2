"""Items for tests: a plan with a fan-out of ``n`` opinions between acceptance and decision."""

from __future__ import annotations

from contracts.item import Item, LicenceTemplate, Limit, MaterialRule, PlanStep

ITEM_CODE = "11370800MB28559184" + "4" + "370105005001"


def make_item(*, version: int = 1, opinions: tuple[str, ...] = ("police", "transport"), delivery: bool = True) -> Item:
    """accept -> opinions in parallel -> examine -> decide (-> plate)."""
    plan = [
        PlanStep(
            step="accept",
            name="受理",
            name_en="Accept",
            department="education",
            kind="acceptance",
            limit_working_days=5,
        ),
        *(
            PlanStep(
                step=f"{department}_opinion",
                name=f"{department}意见",
                name_en=f"{department} opinion",
                department=department,
                kind="opinion",
                limit_working_days=3,
                after=("accept",),
            )
            for department in opinions
        ),
        PlanStep(
            step="examine",
            name="审查",
            name_en="Examine",
            department="education",
            kind="examination",
            limit_working_days=5,
            after=tuple(f"{department}_opinion" for department in opinions),
        ),
        PlanStep(
            step="decide",
            name="决定",
            name_en="Decide",
            department="county_government",
            kind="decision",
            limit_working_days=3,
            after=("examine",),
        ),
    ]
    if delivery:
        plan.append(
            PlanStep(
                step="plate",
                name="发放标牌",
                name_en="Plate",
                department="police",
                kind="delivery",
                limit_working_days=2,
                after=("decide",),
            )
        )
    return Item(
        item_code=ITEM_CODE,
        version=version,
        basic_code="370105005001",
        name="校车使用许可",
        name_en="School bus permit",
        item_type="01",
        lead_department="education",
        statutory_limit=Limit(amount=20),
        committed_limit=Limit(amount=11),
        form_schema={
            "type": "object",
            "properties": {"plate": {"type": "string", "minLength": 7}, "seats": {"type": "integer", "minimum": 7}},
            "required": ["plate"],
            "additionalProperties": False,
        },
        materials=(
            MaterialRule(
                code="application",
                name="申请表",
                name_en="Application form",
                required=True,
                basis="校车安全管理条例 §15",
                media_types=("application/pdf",),
                max_bytes=1_000_000,
            ),
            MaterialRule(
                code="route_plan",
                name="运行方案",
                name_en="Route plan",
                required=False,
                basis="校车安全管理条例 §14",
                media_types=("application/pdf",),
                max_bytes=1_000_000,
            ),
        ),
        plan=tuple(plan),
        result=LicenceTemplate(
            name="校车使用许可凭证",
            name_en="School bus permit",
            type_code="11100000000013338W011",
            issuer_name="云溪县人民政府",
            issuer_uscc="11370800MB28559184",
            valid_years=1,
            printed_fields=("plate",),
        ),
    )
