"""Licences over HTTP: the holder's own, anyone's check of a number, anyone's check of a file."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from contracts.case import CaseRevoked
from services.documents.api.licences import LARGEST_FILE_BYTES
from services.documents.models import db, licences
from services.documents.service import SERVICE
from tests.factories.licences import CASE_NO, approved, published, registered
from tests.support import deliver, envelope_bytes, metric, show_gauges


def verify(desk: Any, content: bytes, content_type: str = "application/pdf") -> Any:
    length = {"CONTENT_LENGTH": str(len(content))}
    return desk.client.post(
        "/api/v1/licences/verification", data=content, content_type=content_type, environ_overrides=length
    )


def change(licence_no: str, **values: Any) -> None:
    with db.transaction() as tx:
        tx.execute(sa.update(licences).where(licences.c.licence_no == licence_no).values(**values))


def test_licences_and_checks_of_them_are_counted(desk: Any) -> None:
    def checked(outcome: str) -> float:
        return metric("tongban_licence_verifications_total", outcome=outcome)

    before = {
        outcome: checked(outcome) for outcome in ("authentic", "not_issued", "not_a_pdf", "valid", "revoked", "unknown")
    }
    kind = approved().licence.type_code
    issued_before = metric("tongban_licences_issued_total", kind=kind)
    first, second, third = (desk.issue(case_no=f"{CASE_NO[:-1]}{n}") for n in range(3))
    assert metric("tongban_licences_issued_total", kind=kind) == issued_before + 3
    change(second.licence_no, revoked_on=date(2020, 1, 1))
    change(third.licence_no, valid_until=date(2020, 1, 1))
    show_gauges(SERVICE)
    assert {s: metric("tongban_licences", state=s) for s in ("valid", "expired", "revoked")} == {
        "valid": 1, "expired": 1, "revoked": 1,
    }  # fmt: skip
    verify(desk, desk.pdf(first))
    verify(desk, desk.pdf(first) + b" ")
    verify(desk, b"GIF89a")
    for number in (first.licence_no, second.licence_no, first.licence_no[:-1] + "9"):
        desk.client.get(f"/api/v1/licences/{number}")
    changed = {outcome: checked(outcome) - count for outcome, count in before.items()}
    assert changed.pop("unknown") <= 1  # an unlikely number may be a mistyped one
    assert set(changed.values()) == {1}


def test_the_holder_sees_and_downloads_what_others_cannot(desk: Any) -> None:
    issued = desk.issue()
    own = desk.tokens.headers("licences:read", party="o-1")
    other = desk.tokens.headers("licences:read", party="o-2")
    page = desk.client.get("/api/v1/licences", headers=own).json
    assert [(one["licence_no"], one["case_no"]) for one in page["licences"]] == [(issued.licence_no, CASE_NO)]
    assert page["next"] is None
    assert desk.client.get("/api/v1/licences", headers=other).json["licences"] == []

    address = f"/api/v1/licences/{issued.licence_no}/pdf"
    answer = desk.client.get(address, headers=own)
    assert answer.headers["Content-Disposition"] == f"attachment; filename={issued.licence_no}.pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    refused = desk.client.get(address, headers=other)
    assert (refused.status_code, refused.json["code"]) == (404, "licence_unknown")
    assert desk.client.get(address).status_code == 401
    assert desk.client.get(address, headers=desk.tokens.headers("cases:read", party="o-1")).status_code == 403


def test_a_licence_whose_decision_was_revoked_is_shown_as_revoked_to_whoever_checks_it(desk: Any) -> None:
    issued = desk.issue()
    record = f"/api/v1/licences/{issued.licence_no}"
    assert desk.client.get(record).json["status"] == "valid"
    revoked = CaseRevoked(case_no=CASE_NO, decided_by="education", reason="承诺不实", remedy="可申请行政复议")
    for _ in range(2):
        deliver(SERVICE, "documents.licences", envelope_bytes(revoked, source="workflow"))
    assert desk.client.get(record).json["status"] == "revoked"


def test_a_long_list_comes_in_pages_newest_first(desk: Any) -> None:
    numbers = [desk.issue(case_no=f"case-{n}").licence_no for n in range(5)]
    headers = desk.tokens.headers("licences:read", party="o-1")
    seen: list[str] = []
    after = ""
    for _ in range(3):
        page = desk.client.get(f"/api/v1/licences?limit=2{after}", headers=headers).json
        seen += [one["licence_no"] for one in page["licences"]]
        after = f"&after={page['next']}"
    assert seen == numbers[::-1]
    assert page["next"] is None


def test_anyone_may_check_a_number_and_sees_the_holder_masked(empty_desk: Any) -> None:
    empty_desk.hear(published(), registered("p-1", name="张三丰", code_type="111", code="11010519491231002X"))
    issued = empty_desk.issue(applicant_id="p-1")
    answer = empty_desk.client.get(f"/api/v1/licences/{issued.licence_no}")
    assert answer.status_code == 200
    assert answer.json == {
        "licence_no": issued.licence_no,
        "status": "valid",
        "name": "校车使用许可凭证",
        "name_en": "School bus permit",
        "issuer_name": "云溪县人民政府",
        "issuer_uscc": "11370800MB28559184",
        "holder": "张*",
        "issued_on": issued.issued_on.isoformat(),
        "valid_until": issued.valid_until.isoformat(),
        "sha256": issued.sha256,
    }


def test_expired_and_revoked_licences_say_so(desk: Any) -> None:
    issued = desk.issue()
    address = f"/api/v1/licences/{issued.licence_no}"
    change(issued.licence_no, valid_until=issued.issued_on - timedelta(days=2))
    assert desk.client.get(address).json["status"] == "expired"
    change(issued.licence_no, revoked_on=date(2026, 1, 1))
    assert desk.client.get(address).json["status"] == "revoked"
    finding = verify(desk, desk.pdf(issued)).json
    assert (finding["result"], finding["licence"]["status"]) == ("authentic", "revoked")


@pytest.mark.parametrize("text", ["x", "%00", "verification", "1.2.156.3005.2.A.B.1.001.0"])
def test_a_mistyped_number_is_told_from_an_unknown_one(desk: Any, text: str) -> None:
    answer = desk.client.get(f"/api/v1/licences/{text}")
    assert (answer.status_code, answer.json["code"]) == (422, "licence_number_invalid")
    unknown = "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9"
    answer = desk.client.get(f"/api/v1/licences/{unknown}")
    assert (answer.status_code, answer.json["code"]) == (404, "licence_unknown")


def test_a_file_is_authentic_only_byte_for_byte(desk: Any) -> None:
    issued = desk.issue()
    pdf = desk.pdf(issued)
    finding = verify(desk, pdf).json
    assert (finding["result"], finding["reason"]) == ("authentic", None)
    assert (finding["licence"]["licence_no"], finding["sha256"]) == (issued.licence_no, issued.sha256)
    for place in (20, len(pdf) // 2, len(pdf) - 3):
        changed = pdf[:place] + bytes([pdf[place] ^ 1]) + pdf[place + 1 :]
        finding = verify(desk, changed).json
        assert (finding["result"], finding["reason"], finding["licence"]) == ("not_authentic", "not_issued", None)
    assert verify(desk, pdf + b"\n").json["reason"] == "not_issued"
    assert verify(desk, b"").json["reason"] == "not_a_pdf"
    assert verify(desk, b"PK\x03\x04").json["reason"] == "not_a_pdf"


def test_issued_bytes_whose_signature_does_not_verify_are_not_authentic(desk: Any) -> None:
    """A forged row in the database does not make a forged file a licence."""
    issued = desk.issue()
    forged = bytearray(desk.pdf(issued))
    forged[forged.index(b"stream\n") + 20] ^= 1
    import hashlib

    change(issued.licence_no, sha256=hashlib.sha256(forged).hexdigest())
    finding = verify(desk, bytes(forged)).json
    assert (finding["result"], finding["reason"], finding["licence"]) == ("not_authentic", "signature_invalid", None)


def test_a_file_over_the_limit_or_of_another_type_is_refused(desk: Any) -> None:
    answer = verify(desk, b"%PDF-" + b"x" * LARGEST_FILE_BYTES)
    assert (answer.status_code, answer.json["code"]) == (413, "file_too_large")
    answer = verify(desk, b"%PDF-1.7", "text/html")
    assert (answer.status_code, answer.json["code"]) == (415, "media_type_not_allowed")


def test_the_authority_is_public_and_its_key_is_not(desk: Any) -> None:
    answer = desk.client.get("/api/v1/licence-ca")
    assert answer.status_code == 200
    assert answer.get_data().startswith(b"-----BEGIN CERTIFICATE-----")
    assert b"PRIVATE" not in answer.get_data()
