"""Material receipts: documents signs what it stored, so that an application needs no event to have arrived."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from chassis.errors import Refusal
from chassis.public_keys import PublicKeys
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

    def read(self, receipts: Sequence[str], *, owners: Collection[str], item_code: str) -> tuple[CaseMaterial, ...]:
        """The materials. Raises Refusal for a forged receipt, one of nobody in ``owners`` or one for another item."""
        return tuple(material for _, material in self.read_for(receipts, owners=owners, item_codes=(item_code,)))

    def read_for(
        self, receipts: Sequence[str], *, owners: Collection[str], item_codes: Collection[str]
    ) -> tuple[tuple[str, CaseMaterial], ...]:
        """The same for several items: each material with the item that it was uploaded for."""
        return tuple(self._one(receipt, owners, item_codes) for receipt in receipts)

    def _one(self, receipt: str, owners: Collection[str], item_codes: Collection[str]) -> tuple[str, CaseMaterial]:
        try:
            content = msgspec.json.decode(self._keys.verify_jws(receipt), type=_Receipt)
        except (Refusal, msgspec.DecodeError) as error:
            raise Refusal("material_receipt_invalid", "材料回执无效 / a material receipt does not verify") from error
        if content.owner_id not in owners:
            raise Refusal("material_of_another_owner", "材料属于他人 / a material belongs to someone else")
        if content.item_code not in item_codes:
            raise Refusal(
                "material_for_another_item",
                "材料是为其他事项上传的 / a material was uploaded for another item",
                materials=[content.code],
            )
        return content.item_code, CaseMaterial(
            material_id=content.material_id,
            code=content.code,
            name=content.code,
            media_type=content.media_type,
            size_bytes=content.size_bytes,
            sha256=content.sha256,
        )
