"""One licence per case and item, whatever is delivered, in whatever order, how often."""

from __future__ import annotations

import json
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from contracts.licence import LicenceIssued
from contracts.person import PartyChanged
from services.documents.domain.licence_number import parse
from services.documents.models import db, holders
from services.documents.service import SERVICE
from tests.factories.items import make_item
from tests.factories.licences import CASE_NO, approved, published, registered
from tests.support import deliver, envelope_bytes, told
from verify.licence import verify_licence


def run(*command: str) -> str:
    """Output of a tool of poppler-utils; the test fails when it is not installed."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_a_decision_yields_a_signed_licence_that_independent_tools_accept(desk: Any, tmp_path: Path) -> None:
    issued = desk.issue()
    pdf = desk.pdf(issued)
    file = tmp_path / "licence.pdf"
    file.write_bytes(pdf)

    found = verify_licence(pdf, desk.ca(), issued.licence_no)
    assert (found.ok, found.reason) == (True, None)
    assert (found.sha256, found.licence_no, found.holder) == (issued.sha256, issued.licence_no, "云溪县实验小学")
    signature = run("pdfsig", str(file))
    assert "Signature is Valid" in signature
    assert "Total document signed" in signature
    fonts = run("pdffonts", str(file)).splitlines()[2:]
    assert fonts
    assert all(line.split()[-5:-2] == ["yes", "yes", "yes"] for line in fonts), "embedded, subset, with Unicode"
    face = run("pdftotext", "-layout", str(file), "-")
    for text in ("校车使用许可凭证", "云溪县实验小学", "12370800MB28559184", "鲁 H12345", issued.licence_no, CASE_NO):
        assert text.replace(" ", "") in face.replace(" ", "")
    beside_the_code = "".join(run("pdftotext", "-raw", str(file), "-").replace("\u200b", "").split())
    assert f"http://127.0.0.1:8000/verify/{issued.licence_no}" in beside_the_code
    run("pdfdetach", "-save", "1", "-o", str(tmp_path / "licence.json"), str(file))
    metadata = json.loads((tmp_path / "licence.json").read_text())
    assert metadata["identifier"] == issued.licence_no
    assert metadata["file_url"].endswith(f"/api/v1/licences/{issued.licence_no}/pdf")
    assert metadata["extend_info"]["facts"] == {"plate": "鲁H12345", "seats": 36}
    assert b"<pdfaid:part>3" in pdf or b'pdfaid:part="3"' in pdf


def test_numbers_of_one_issuer_and_type_count_up_without_gaps(desk: Any) -> None:
    numbers = [parse(desk.issue(case_no=f"case-{n}").licence_no) for n in range(3)]
    assert [number.serial for number in numbers] == ["000000001", "000000002", "000000003"]


def test_two_deliveries_of_the_decision_issue_one_licence(desk: Any) -> None:
    first = envelope_bytes(approved(), source="workflow")
    again = envelope_bytes(approved(), source="workflow")
    deliver(SERVICE, "documents.licences", first)
    deliver(SERVICE, "documents.licences", first)
    deliver(SERVICE, "documents.licences", again, again)
    assert len(desk.licence_rows()) == 1
    assert len(told(db, LicenceIssued)) == 1
    assert parse(desk.issue(case_no="another").licence_no).serial == "000000002"


def test_decisions_that_come_at_once_issue_one_licence_each(desk: Any) -> None:
    ready = threading.Barrier(4)

    def decide(case_no: str) -> None:
        body = envelope_bytes(approved(case_no=case_no), source="workflow")
        ready.wait()
        deliver(SERVICE, "documents.licences", body)

    threads = [threading.Thread(target=decide, args=(case_no,)) for case_no in ("a", "a", "b", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(row.case_no for row in desk.licence_rows()) == ["a", "b"]
    assert len({event.licence_no for event in told(db, LicenceIssued)}) == 2


def test_a_decision_that_comes_before_its_holder_waits_and_is_then_issued(empty_desk: Any) -> None:
    empty_desk.hear(published())
    inbox = deliver(SERVICE, "documents.licences", envelope_bytes(approved(), source="workflow"))
    assert empty_desk.licence_rows() == []
    assert told(db) == []

    empty_desk.hear(registered())
    make_retries_due()
    inbox.retry_due()
    assert [row.case_no for row in empty_desk.licence_rows()] == [CASE_NO]
    assert len(told(db, LicenceIssued)) == 1


def test_a_decision_that_comes_before_its_item_waits_and_takes_no_number(empty_desk: Any) -> None:
    empty_desk.hear(registered())
    inbox = deliver(SERVICE, "documents.licences", envelope_bytes(approved(), source="workflow"))
    assert empty_desk.licence_rows() == []
    empty_desk.hear(published())
    make_retries_due()
    inbox.retry_due()
    [row] = empty_desk.licence_rows()
    assert parse(row.licence_no).serial == "000000001"


def make_retries_due() -> None:
    with db.transaction() as tx:
        tx.execute(sa.update(db.retries).values(retry_at=datetime.now(UTC) - timedelta(seconds=1)))


HOSTILE = {
    "markup": '#panic("x") *b* _i_ $x^2$ `raw` <label> @ref [x] \\ // /* #{sys.inputs} = = =',
    "quotes": '"\'"}]}) , “引号” \\u{1F600} \\"',
    "long": "长" * 50_000,
    "long word": "x" * 5_000,
    "emoji": "👨‍👩‍👧‍👦🚌 flag 🇨🇳 keycap 1️⃣",
    "rare": "𠮷野家 \U00031350 \U000e0100 龘 ﷽ עברית العربية ไทย ཀ",
    "invisible": "a\u202eb\u200fc\u0000d\u0007e\ufefff\u2028g\nh\ti",
    "combining": "e" + "\u0301" * 40,
    "private": "\ue000\uf8ff\uffff",
    "number": 1e308,
    "list": ["#panic()", True, None, 3],
    "object": {"deep": [{"#let": "x"}]},
    '#panic("label")' * 20: "v",
    "empty": "",
}


def test_hostile_facts_are_printed_as_text_and_never_as_markup(desk: Any, tmp_path: Path) -> None:
    issued = desk.issue(facts=HOSTILE)
    pdf = desk.pdf(issued)
    assert verify_licence(pdf, desk.ca(), issued.licence_no).ok
    file = tmp_path / "licence.pdf"
    file.write_bytes(pdf)
    face = run("pdftotext", str(file), "-")
    assert '#panic("x") *b* _i_ $x^2$ `raw` <label> @ref [x]' in " ".join(face.split())
    assert "〓" in face
    run("pdfdetach", "-save", "1", "-o", str(tmp_path / "licence.json"), str(file))
    assert json.loads((tmp_path / "licence.json").read_text())["extend_info"]["facts"] == HOSTILE


@pytest.mark.parametrize(
    "fields",
    [
        {"name": '#panic("x")"'},
        {"name": "𠮷𡈽 \U00031350😀", "code_type": "111", "code": "11010519491231002X"},
        {"name": "名" * 500},
    ],
)
def test_a_holder_with_any_name_gets_a_licence(empty_desk: Any, fields: dict[str, str]) -> None:
    empty_desk.hear(published(), registered(**fields))
    issued = empty_desk.issue()
    found = verify_licence(empty_desk.pdf(issued), empty_desk.ca(), issued.licence_no)
    assert found.ok
    assert found.holder == fields["name"]


def test_fifty_facts_and_long_names_still_print(desk: Any) -> None:
    issued = desk.issue(facts={f"字段{n}": f"值{n}" for n in range(50)}, item_name="很长的事项名称" * 20)
    assert verify_licence(desk.pdf(issued), desk.ca()).ok


def test_the_titles_of_the_form_stand_on_the_licence(empty_desk: Any, tmp_path: Path) -> None:
    import msgspec

    schema = {"type": "object", "properties": {"plate": {"type": "string", "title": "车辆号牌 Plate"}}}
    item = msgspec.structs.replace(make_item(), form_schema=schema)
    empty_desk.hear(published(item), registered())
    file = tmp_path / "licence.pdf"
    file.write_bytes(empty_desk.pdf(empty_desk.issue(item=item, facts={"plate": "鲁H12345"})))
    assert "车辆号牌" in run("pdftotext", str(file), "-")


def test_a_second_process_uses_the_same_authority_and_its_keys_are_private(desk: Any) -> None:
    from tests.support import make_app, make_runtime

    before = desk.ca()
    make_app(SERVICE, make_runtime(SERVICE, desk.folder, desk.tokens))
    assert desk.ca() == before
    secrets = [desk.folder / "documents" / "receipt-key.pem", *(desk.folder / "documents" / "pki").iterdir()]
    assert len(secrets) == 3
    assert {file.stat().st_mode & 0o777 for file in secrets} == {0o600}


def holder_row() -> Any:
    with db.read() as connection:
        return connection.execute(sa.select(holders)).one()


def test_the_newest_correction_of_a_holder_holds_whatever_order_they_come_in(desk: Any) -> None:
    desk.hear(PartyChanged(party_id="o-1", revision=2, name="云溪县第二小学"))
    desk.hear(PartyChanged(party_id="o-1", revision=1, name="云溪县第三小学"))
    assert holder_row().name == "云溪县第二小学"
    desk.hear(registered())
    assert holder_row().name == "云溪县第二小学"


def test_of_an_erased_holder_neither_name_nor_number_is_kept(desk: Any) -> None:
    desk.hear(PartyChanged(party_id="o-1", revision=1, name=None), registered())
    erased = holder_row()
    assert (erased.name, erased.code, erased.code_sealed, erased.key_wrapped) == ("", None, None, None)
