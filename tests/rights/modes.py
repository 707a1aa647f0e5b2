"""A bundle, a time and an appointment of the owner's, written as workflow keeps them."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import sqlalchemy as sa

from chassis import clock
from contracts.item import Package, PackagePart
from services.workflow.models import appointment_slots, appointments, bundles, cases, db, packages

BUNDLE, SLOT, APPOINTMENT = "YJS202601010001", "slot-1", "appointment-1"


def keep_modes(item_code: str, case_no: str) -> dict[str, str]:
    """Put the case into a bundle of one and book a time for it; fields of ``Things``."""
    part = PackagePart(item_code=item_code, materials={}, fields={})
    package = Package(
        package_code="one", version=1, name="一件事", name_en="One", lead_department="education",
        form_schema={"type": "object"}, materials=(), parts=(part,),
    )  # fmt: skip
    with db.transaction() as tx:
        owner = tx.execute(sa.select(cases.c.applicant_id).where(cases.c.case_no == case_no)).scalar_one()
        definition = msgspec.json.encode(package)
        version = {"package_code": "one", "version": 1}
        tx.insert(packages, [version | {"effective_from": date(2020, 1, 1), "definition": definition}])
        bundle = {
            "bundle_no": BUNDLE, "package_code": "one", "package_version": 1, "lead_department": "education",
            "applicant_id": owner, "submitted_at": tx.now,
        }  # fmt: skip
        tx.insert(bundles, [bundle])
        tx.execute(sa.update(cases).where(cases.c.case_no == case_no).values(bundle_no=BUNDLE))
        slot = {
            "slot_id": SLOT, "item_code": item_code, "venue": "A", "day": (clock.now() + timedelta(days=10)).date(),
            "opens": "09:00", "closes": "09:30", "capacity": 9, "booked": 1, "published_by": "o-1",
        }  # fmt: skip
        tx.insert(appointment_slots, [slot])
        booked = {
            "appointment_id": APPOINTMENT, "slot_id": SLOT, "item_code": item_code, "party_id": owner, "case_no": case_no,
            "number": "ABCDEF", "state": "booked", "booked_by": owner, "booked_at": tx.now, "changed_at": tx.now,
        }  # fmt: skip
        tx.insert(appointments, [booked | {"only_open": f"{owner}/{case_no}"}])
    return {"bundle": BUNDLE, "slot": SLOT, "appointment": APPOINTMENT}
