"""Material receipts: documents signs what it stored, so that an application needs no event to have arrived."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chassis.auth import PublicKeys
from chassis.errors import Refusal
from contracts.case import CaseMaterial


class _Receipt(msgspec.Struct, frozen=True):
    material_id: str
    owner_id: str
    item_code: str
    code: str
    media_type: str
    size_bytes: int
    sha256: str


class ReceiptReader:
    """Checks receipts with documents' public keys."""

    def __init__(self, keys: PublicKeys) -> None:
        self._keys = keys

    def read(self, receipts: Sequence[str], *, owner_id: str, item_code: str) -> tuple[CaseMaterial, ...]:
        """The materials. Raises Refusal for a forged receipt, another owner's or one for another item."""
        return tuple(self._one(receipt, owner_id, item_code) for receipt in receipts)

    def _one(self, receipt: str, owner_id: str, item_code: str) -> CaseMaterial:
        try:
            content = msgspec.json.decode(self._keys.verify_jws(receipt), type=_Receipt)
        except (Refusal, msgspec.DecodeError) as error:
            raise Refusal("material_receipt_invalid", "材料回执无效 / a material receipt does not verify") from error
        if content.owner_id != owner_id:
            raise Refusal("material_of_another_owner", "材料属于他人 / a material belongs to someone else")
        if content.item_code != item_code:
            raise Refusal(
                "material_for_another_item",
                "材料是为其他事项上传的 / a material was uploaded for another item",
                materials=[content.code],
            )
        return CaseMaterial(
            material_id=content.material_id,
            code=content.code,
            name=content.code,
            media_type=content.media_type,
            size_bytes=content.size_bytes,
            sha256=content.sha256,
        )
