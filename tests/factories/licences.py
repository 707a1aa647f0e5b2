"""Decisions and holders for tests of licences."""

from __future__ import annotations

from datetime import date
from typing import Any

from contracts.case import CaseApproved
from contracts.item import Item, ItemPublished
from contracts.person import PartyRegistered
from tests.factories.items import make_item

CASE_NO = "11370800MB285591844370105005001202601050001"


def published(item: Item | None = None, effective_from: date = date(2026, 1, 1)) -> ItemPublished:
    item = item or make_item()
    return ItemPublished(item_code=item.item_code, effective_from=effective_from, item=item)


def registered(party_id: str = "o-1", **fields: Any) -> PartyRegistered:
    return PartyRegistered(
        **{
            "party_id": party_id,
            "name": "云溪县实验小学",
            "code_type": "001",
            "code": "12370800MB28559184",
        }
        | fields
    )


def approved(item: Item | None = None, **fields: Any) -> CaseApproved:
    item = item or make_item()
    return CaseApproved(
        **{
            "case_no": CASE_NO,
            "item_code": item.item_code,
            "item_version": item.version,
            "item_name": item.name,
            "applicant_id": "o-1",
            "decided_by": "county_government",
            "decided_on": date(2026, 1, 5),
            "licence": item.result,
            "facts": {"plate": "鲁H12345", "seats": 36},
        }
        | fields
    )
