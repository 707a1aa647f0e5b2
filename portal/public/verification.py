"""核验证照: by the number, by the QR code that leads here, or by the file."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _

from portal.api import Problem, path
from portal.public.room import PUBLIC
from portal.session import api
from portal.words import china_now

LARGEST_MB = 5
LARGEST_BYTES = LARGEST_MB * 1024 * 1024
NO_SUCH_LICENCE = (400, 404, 422)


@PUBLIC.get("/verify")
def verify() -> Any:
    """Both forms; with a number, on to the page of that licence."""
    typed = request.args.get("licence_no")
    if typed is None:
        return render_template("public/verify.html", errors={})
    if number := licence_number(typed):
        return redirect(url_for("public.licence", licence_no=number), 303)
    errors = {"licence_no": _("请填写证照标识，由数字、字母和点组成")}
    return render_template("public/verify.html", typed=typed, errors=errors), 422


@PUBLIC.post("/verify")
def verify_file() -> Any:
    """The finding about an uploaded PDF. It is shown at once and has no address: nobody can pass on a finding as a link."""
    file = request.files.get("file")
    content = file.read(LARGEST_BYTES + 1) if file else b""
    if not content:
        return _refused(_("请选择一个 PDF 文件"))
    if len(content) > LARGEST_BYTES:
        return _refused(_("文件超过 %(count)s MB，请核对是不是证照文件", count=LARGEST_MB))
    answer = api().call(
        "POST", path("licences", "verification"), body=content, headers={"Content-Type": "application/pdf"}
    )
    name = file.filename if file else ""
    return render_template("public/finding.html", finding=answer.json(), name=name, at=china_now())


def _refused(sentence: str) -> Any:
    return render_template("public/verify.html", errors={"file": sentence}), 422


@PUBLIC.get("/verify/<licence_no>")
def licence(licence_no: str) -> Any:
    """What a number stands for. The QR code on a licence leads here."""
    number = licence_number(licence_no)
    shown = {"licence_no": number or licence_no, "at": china_now()}
    if not number:
        return render_template("public/licence.html", **shown, found=None, mistyped=True), 404
    try:
        found = api().get(path("licences", number))
    except Problem as problem:
        if problem.status not in NO_SUCH_LICENCE:
            raise
        return render_template("public/licence.html", **shown, found=None, mistyped=problem.status != 404), 404
    return render_template("public/licence.html", **shown, found=found)


def licence_number(typed: str) -> str:
    """The number in what was typed, copied out of a PDF or scanned as an address; empty if there is none."""
    last = unicodedata.normalize("NFKC", typed).partition("?")[0].rstrip("/").rpartition("/")[2]
    number = re.sub(r"[^0-9A-Z.]", "", last.upper()).strip(".")
    return number if any(sign.isdigit() for sign in number) else ""
