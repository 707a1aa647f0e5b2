"""The keys that holders' numbers are under: one for each holder, wrapped under documents' own master key.

The files lie beside, never inside, the database: ``holders.key`` and ``masters/``. Whoever has
only one of the two learns no number.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chassis.envelope_keys import MasterKeys, derive, read_root

NUMBER = "number"


class HolderKeys:
    """Seals and opens numbers. Raises DataKeyWrong for a damaged or foreign key."""

    def __init__(self, folder: Path) -> None:
        first = derive(read_root(folder / "holders.key"), b"tongban documents master")
        self.masters = MasterKeys(first, folder / "masters")

    def seal(self, party_id: str, number: str) -> dict[str, Any]:
        """Values of the columns ``key_master``, ``key_wrapped`` and ``code_sealed``, under a key made for them."""
        master, wrapped, key = self.masters.wrap_new(party_id)
        return {"key_master": master, "key_wrapped": wrapped, "code_sealed": key.seal(NUMBER, number)}

    def open(self, row: Any) -> str:
        """The number of a row of ``holders``; empty for one that was erased."""
        if row.key_wrapped is None:
            return row.code or ""  # from before numbers were sealed
        return self.masters.unwrap(row.key_master, row.party_id, row.key_wrapped).open(NUMBER, row.code_sealed)
