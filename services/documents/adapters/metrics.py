"""Metrics of documents. A kind of licence is the code of its type in the national table."""

from __future__ import annotations

from chassis.metrics import Metrics

DOCUMENTS = Metrics("documents")

LICENCES_ISSUED = DOCUMENTS.counter(
    "tongban_licences_issued_total", "Electronic licences issued, by code of their type", "签发的电子证照，按证照类型代码",
    ["kind"], by="worker",
)  # fmt: skip
LICENCES = DOCUMENTS.gauge(
    "tongban_licences",
    "Licences by state: valid, expired, revoked",
    "电子证照，按状态：有效、过期、撤销",
    ["state"],
    by="jobs",
)
LICENCE_SECONDS = DOCUMENTS.histogram(
    "tongban_licence_seconds", "Time to set and sign one licence", "排版并签署一份证照的用时", by="worker",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)  # fmt: skip
VERIFICATIONS = DOCUMENTS.counter(
    "tongban_licence_verifications_total",
    "Checks of licences; of a file: authentic, not_a_pdf, not_issued, signature_invalid; of a number: valid, expired, revoked,"
    " unknown", "证照核验次数；按文件：真实、非 PDF、未签发、签名无效；按编号：有效、过期、撤销、查无", ["outcome"], by="web",
)  # fmt: skip
UPLOADS = DOCUMENTS.counter(
    "tongban_uploads_total", "Uploads of materials: stored, or the code of the refusal", "材料上传次数：已存，或拒绝的代码",
    ["outcome"], by="web",
)  # fmt: skip
