"""邮寄地址 at rest: each under a key of its own case, wrapped under workflow's own master key beside the database."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from chassis.envelope_keys import MasterKeys, derive, read_root
from chassis.settings import Settings

PLAIN = "address"
SEALED, KEY, MASTER = "address_sealed", "address_key", "address_master"


class _Addresses:
    """Seals and opens addresses. The root is read, or made, when the first is. Raises DataKeyWrong."""

    def __init__(self) -> None:
        self._folder = Path()
        self._masters: MasterKeys | None = None

    def load(self, settings: Settings) -> None:
        """Take over where the keys lie."""
        self._folder, self._masters = settings.data_dir / "workflow", None

    def seal(self, case_no: str, delivery: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """The same with its address sealed."""
        if delivery is None or PLAIN not in delivery:
            return None if delivery is None else dict(delivery)
        number, wrapped, key = self._keys().wrap_new(case_no)
        sealed = {
            SEALED: b64encode(key.seal(PLAIN, delivery[PLAIN])).decode(),
            KEY: b64encode(wrapped).decode(),
            MASTER: number,
        }
        return {name: value for name, value in delivery.items() if name != PLAIN} | sealed

    def open(self, case_no: str, delivery: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """The same with its address to be read."""
        if delivery is None or SEALED not in delivery:
            return None if delivery is None else dict(delivery)
        key = self._keys().unwrap(delivery[MASTER], case_no, b64decode(delivery[KEY]))
        opened = {name: value for name, value in delivery.items() if name not in (SEALED, KEY, MASTER)}
        return opened | {PLAIN: key.open(PLAIN, b64decode(delivery[SEALED]))}

    def add_master(self) -> int:
        """Make the next master key; its number."""
        return self._keys().add()

    def drop_masters(self, numbers: Iterable[int]) -> None:
        """Forget them for good."""
        for number in numbers:
            self._keys().drop(number)

    @staticmethod
    def master_of(delivery: Mapping[str, Any] | None) -> int | None:
        """Number of the master key that the address's key is under; None without an address."""
        return None if delivery is None else delivery.get(MASTER)

    def rewrapped(self, case_no: str, delivery: Mapping[str, Any] | None, to: int) -> dict[str, Any] | None:
        """The same with its key under master key ``to``; None when there is nothing to wrap anew."""
        number = self.master_of(delivery)
        if delivery is None or number is None or number >= to:
            return None
        wrapped = self._keys().rewrap(number, case_no, b64decode(delivery[KEY]), to)
        return dict(delivery) | {KEY: b64encode(wrapped).decode(), MASTER: to}

    def _keys(self) -> MasterKeys:
        if self._masters is None:
            root = read_root(self._folder / "addresses.key")
            self._masters = MasterKeys(derive(root, b"tongban workflow master"), self._folder / "masters")
        return self._masters


ADDRESSES = _Addresses()
