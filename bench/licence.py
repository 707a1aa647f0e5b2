"""One licence: message in, certificate printed and signed, file synced, row and event committed; against the bare library.

The bare library sets the same page with typst and signs it with pyHanko; compiler, fonts and key stay warm.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import click
import pylopdf_fonts_zh_cn as chinese_fonts
import segno
import typst
from asn1crypto import keys, x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore

from bench import sample
from bench.results import keep, show
from chassis import log
from contracts.case import CaseApproved
from contracts.item import Item, ItemPublished
from contracts.person import PartyRegistered
from localservers.postgresql import PostgreSQL
from services.documents.adapters import press
from services.documents.adapters.pki import KeyPair, load_authority, load_signer
from services.documents.domain.holder import Holder
from services.documents.domain.licence_face import compose_face
from services.documents.service import SERVICE

GOAL = 1.5
BLOCK = 10
WARM_UP = 20
SCHOOL = Holder(party_id=sample.HOLDER, name="云溪县第一小学", code_type="001", code="12339999YX00010199")
Making = Callable[[CaseApproved], object]


def bare_library(item: Item, folder: Path) -> Making:
    """typst and pyHanko, nothing else: no number, no row, no file, no event."""
    template = Path(press.__file__).with_name("licence.typ")
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(chinese_fonts.serif_path().parent)]
    )
    compiler = typst.Compiler(input=str(template), font_paths=fonts, ignore_system_fonts=True)
    authority = load_authority(folder)
    signer = _pdf_signer(authority, load_signer(folder, authority))

    def make(approved: CaseApproved) -> bytes:
        inputs = {"licence": _page(approved, item)}
        pdf: Any = compiler.compile(format="pdf", sys_inputs=inputs, pdf_standards="a-3b", timestamp=1_700_000_000)
        signed: bytes = signer.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), bytes_reserved=8192).getvalue()
        return signed

    return make


def _pdf_signer(authority: KeyPair, signer: KeyPair) -> signers.PdfSigner:
    chain = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    chain.register(x509.Certificate.load(authority.certificate.public_bytes(Encoding.DER)))
    secret = signer.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return signers.PdfSigner(
        signers.PdfSignatureMetadata(
            field_name="Licence",
            md_algorithm="sha256",
            subfilter=fields.SigSeedSubFilter.PADES,
            certify=True,
            docmdp_permissions=fields.MDPPerm.NO_CHANGES,
        ),
        signers.SimpleSigner(
            signing_cert=x509.Certificate.load(signer.certificate.public_bytes(Encoding.DER)),
            signing_key=keys.PrivateKeyInfo.load(secret),
            cert_registry=chain,
        ),
    )


def _page(approved: CaseApproved, item: Item) -> str:
    """What the template asks for."""
    number = f"1.2.156.3005.2.{item.result.type_code}.{item.result.issuer_uscc}.{approved.case_no[-9:]}.001.X"
    url = f"http://127.0.0.1:8000/verify/{number}"
    drawing = io.BytesIO()
    segno.make(url, micro=False, error="m", boost_error=False, mask=2).save(
        drawing, kind="svg", border=0, xmldecl=False
    )
    face = compose_face(
        approved, item=item, holder=SCHOOL, licence_no=number, issued_on=approved.decided_on, until=None
    )
    page = asdict(face) | {
        "substituted": False,
        "metadata": json.dumps(asdict(face), ensure_ascii=False, indent=2),
        "issued": {"year": 2026, "month": 11, "day": 2},
        "qr": drawing.getvalue().decode(),
        "url": url,
    }
    return json.dumps(page, ensure_ascii=False)


def platform(item: Item, database_url: str, folder: Path) -> Making:
    """The service's own path: inbox, use case, blob, row, outbox; one commit per licence."""
    sample.set_up(SERVICE, database_url, folder)
    known = sample.inbox_of(SERVICE, "documents.copies")
    copies = (
        (ItemPublished(item_code=item.item_code, effective_from=date(2026, 1, 1), item=item), "catalog"),
        (PartyRegistered(party_id=SCHOOL.party_id, name=SCHOOL.name, code_type="001", code=SCHOOL.code), "identity"),
    )
    assert all(known.receive([sample.message(event, source) for event, source in copies]))
    licences = sample.inbox_of(SERVICE, "documents.licences")

    def make(approved: CaseApproved) -> None:
        assert licences.receive([sample.message(approved, "workflow")]) == [True]

    return make


def _block(make: Making, decide: Callable[[], CaseApproved]) -> tuple[float, float]:
    """Wall and CPU milliseconds of one licence, over a block."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(BLOCK):
        make(decide())
    return (time.perf_counter() - wall) * 1000 / BLOCK, (time.process_time() - cpu) * 1000 / BLOCK


def bare_cpu_ms(folder: Path) -> float:
    """CPU milliseconds of one licence by the bare library: how fast this machine is just now."""
    item = sample.school_bus_item()
    decide, make = sample.decisions(item), bare_library(item, folder)
    _block(make, decide)
    return median([_block(make, decide)[1] for _ in range(3)])


@click.command("licence")
@click.option("--blocks", default=20, show_default=True, help=f"of {BLOCK} licences each / 每组 {BLOCK} 件")
def main(blocks: int) -> None:
    """一份证照与裸库相比 / one licence against the bare library."""
    log.configure("bench", "WARNING")
    item = sample.school_bus_item()
    decide = sample.decisions(item)
    measured: dict[str, list[tuple[float, float]]] = {"bare": [], "tongban": []}
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="tongban-bench-")))
        folder.chmod(0o755)
        postgresql = cleanup.enter_context(PostgreSQL(folder / "postgresql"))
        postgresql.create_database("documents")
        makers = {
            "bare": bare_library(item, folder),
            "tongban": platform(item, postgresql.url("documents"), folder / "data"),
        }
        cleanup.callback(SERVICE.database.engine.dispose)
        for make in makers.values():
            for _ in range(WARM_UP):
                make(decide())
        for _ in range(blocks):
            for name, make in makers.items():
                measured[name].append(_block(make, decide))
    print(f"{'':<34}{'用时 wall ms':>14}{'CPU ms':>10}")
    figures: dict[str, float] = {}
    for name, label in (("bare", "裸库 / bare typst + pyHanko"), ("tongban", "通办 / tongban, committed")):
        wall, cpu = (median([block[i] for block in measured[name]]) for i in (0, 1))
        figures |= {f"licence_{name}_ms": round(wall, 2), f"licence_{name}_cpu_ms": round(cpu, 2)}
        print(f"{label:<34}{wall:>14.2f}{cpu:>10.2f}")
    ratio = median([ours[0] / bare[0] for ours, bare in zip(measured["tongban"], measured["bare"], strict=True)])
    figures["licence_ratio_to_bare"] = round(ratio, 2)
    goals = {"licence_ratio_to_bare": (f"<= {GOAL}", ratio <= GOAL)}
    show(goals, figures)
    sys.exit(0 if keep("licence", figures, goals) else 1)
