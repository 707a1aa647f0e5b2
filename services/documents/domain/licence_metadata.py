"""The metadata of a licence as it travels inside the PDF. Source: elements of GB/T 36903-2018, in English names."""

from __future__ import annotations

from datetime import date
from typing import Any

from contracts.case import CaseApproved
from services.documents.domain.holder import PERSON, Holder
from services.documents.domain.licence_number import LicenceNumber


def compose_metadata(
    event: CaseApproved, *, number: LicenceNumber, holder: Holder, issued_on: date, until: date | None, file_url: str
) -> dict[str, Any]:
    """Every element by name; dates are ISO 8601. ``extend_info`` holds the facts of the form, unshortened, and the
    conditions of the decision.
    """
    return {
        "standard": "GB/T 36903-2018",
        "identifier": str(number),
        "type_name": event.licence.name,
        "type_code": number.type_code,
        "name": event.licence.name,
        "name_en": event.licence.name_en,
        "version": number.version,
        "issuing_authority_name": event.licence.issuer_name,
        "issuing_authority_code": event.licence.issuer_uscc,
        "issuing_date": issued_on.isoformat(),
        "defining_authority_code": number.type_code[:18],
        "validity_start": issued_on.isoformat(),
        "validity_end": until.isoformat() if until else None,
        "area_code": event.licence.issuer_uscc[2:8],
        "holder_name": holder.name,
        "holder_code": holder.code,
        "holder_type_code": holder.code_type,
        "holder_type_name": "公民身份号码" if holder.code_type == PERSON else "统一社会信用代码",
        "related_item_name": event.item_name,
        "related_item_code": event.item_code,
        "file_url": file_url,
        "extend_info": {
            "case_no": event.case_no,
            "item_version": event.item_version,
            "decided_on": event.decided_on.isoformat(),
            "facts": event.facts,
        }
        | ({"conditions": list(event.conditions)} if event.conditions else {}),
    }
