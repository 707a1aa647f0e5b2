"""Prints licences: typst sets the page as PDF/A-3b with the metadata attached. Fonts come along; none is the machine's."""

from __future__ import annotations

import io
import threading
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pylopdf_fonts_zh_cn as chinese_fonts
import segno
import typst

from services.documents.adapters.font_cover import covered_characters
from services.documents.domain.licence_face import LicenceFace
from services.documents.domain.printable import STAND_IN, printable

_TEMPLATE = Path(__file__).with_name("licence.typ")
_MASK = 2  # trying all eight masks costs 8 ms and reads no better


class LicencePress:
    """A warm compiler. One at a time: its inputs belong to the compiler."""

    def __init__(self) -> None:
        serif, sans = chinese_fonts.serif_path(), chinese_fonts.sans_path()
        fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(serif.parent)])
        self._compiler = typst.Compiler(input=str(_TEMPLATE), font_paths=fonts, ignore_system_fonts=True)
        self._cover = covered_characters(serif, sans)
        self._lock = threading.Lock()

    def render(
        self, face: LicenceFace, *, metadata: dict[str, Any], verify_url: str, issued_on: date, made_at: datetime
    ) -> bytes:
        """PDF of the licence, not yet signed. Every text goes in as data; none is ever read as markup."""
        texts = self._printable(asdict(face))
        page = texts | {
            "substituted": STAND_IN in msgspec.json.encode(texts).decode(),
            "metadata": msgspec.json.format(msgspec.json.encode(metadata), indent=2).decode(),
            "issued": {"year": issued_on.year, "month": issued_on.month, "day": issued_on.day},
            "qr": _qr(verify_url),
            "url": verify_url,
        }
        inputs = {"licence": msgspec.json.encode(page).decode()}
        with self._lock:
            pdf = self._compiler.compile(
                format="pdf", sys_inputs=inputs, pdf_standards="a-3b", timestamp=int(made_at.timestamp())
            )
        assert isinstance(pdf, bytes)
        return pdf

    def _printable(self, value: Any) -> Any:
        if isinstance(value, str):
            return printable(value, self._cover)
        if isinstance(value, dict):
            return {name: self._printable(part) for name, part in value.items()}
        if isinstance(value, tuple):
            return [self._printable(part) for part in value]
        return value


def _qr(content: str) -> str:
    drawing = io.BytesIO()
    segno.make(content, micro=False, error="m", boost_error=False, mask=_MASK).save(
        drawing, kind="svg", border=0, xmldecl=False
    )
    return drawing.getvalue().decode()
