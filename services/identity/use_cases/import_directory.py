"""名录导入: registers everything of a directory file that is not registered yet. What exists stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity import queries
from services.identity.adapters.directory_file import AccountEntry, Directory, DirectoryInvalid
from services.identity.adapters.numbers import credit_code, identity_number
from services.identity.adapters.passwords import Passwords
from services.identity.adapters.vault import Vault
from services.identity.domain.directory import Account, Department, Party
from services.identity.domain.sensitive import Sensitive
from services.identity.use_cases.open_account import add_account
from services.identity.use_cases.register_client import add_client
from services.identity.use_cases.register_department import add_department
from services.identity.use_cases.register_party import find_or_add_party


@dataclass(frozen=True)
class NewHashes:
    """Argon2id hashes by username and by client id, of those that are not registered yet."""

    accounts: Mapping[str, str]
    clients: Mapping[str, str]


def hash_new(directory: Directory, passwords: Passwords) -> NewHashes:
    """Hash what will be needed, ahead of the transaction. Nothing is left to hash the second time."""
    usernames, client_ids = queries.usernames(), queries.client_ids()
    accounts = [entry for entry in directory.accounts if entry.username not in usernames]
    clients = [entry for entry in directory.clients if entry.client_id not in client_ids]
    return NewHashes(
        {entry.username: passwords.hash(Sensitive(entry.password)) for entry in accounts},
        {entry.client_id: passwords.hash(Sensitive(entry.client_secret)) for entry in clients},
    )


def import_directory(tx: Tx, vault: Vault, directory: Directory, hashes: NewHashes) -> None:
    """Register and tell what is new. Raises DirectoryInvalid naming the entry; then nothing is registered."""
    for index, department in enumerate(directory.departments):
        with _entry("departments", index):
            uscc = credit_code(department.uscc)
            add_department(
                tx, Department(code=department.code, name=department.name, name_en=department.name_en, uscc=uscc)
            )
    for index, client in enumerate(directory.clients):
        with _entry("clients", index):
            if client.client_id in hashes.clients:
                add_client(tx, client.client_id, client.department, hashes.clients[client.client_id])
    parties = _parties(tx, vault, directory)
    for index, account in enumerate(directory.accounts):
        with _entry("accounts", index):
            if account.username in hashes.accounts:
                add_account(tx, _account(account, parties), hashes.accounts[account.username])


def _parties(tx: Tx, vault: Vault, directory: Directory) -> dict[str, str]:
    """Party ids by the number that stands in the file."""
    ids = {}
    for index, person in enumerate(directory.people):
        with _entry("people", index):
            number = identity_number(Sensitive(person.identity_number), tx.now)
            party = Party(kind="person", name=person.name, number=number)
            ids[person.identity_number], _ = find_or_add_party(tx, vault, party)
    for index, organisation in enumerate(directory.organisations):
        with _entry("organisations", index):
            party = Party(kind="organisation", name=organisation.name, number=Sensitive(credit_code(organisation.uscc)))
            ids[organisation.uscc], _ = find_or_add_party(tx, vault, party)
    return ids


def _account(entry: AccountEntry, parties: Mapping[str, str]) -> Account:
    return Account(
        username=entry.username,
        kind=entry.kind,
        name=entry.name,
        person_id=_party(entry.person, parties),
        party_id=_party(entry.acts_for, parties),
        department=entry.department,
    )


def _party(number: str | None, parties: Mapping[str, str]) -> str | None:
    if number is not None and number not in parties:
        raise Refusal("party_unknown", "文件中没有这个号码的当事人 / no party of this file has this number")
    return None if number is None else parties[number]


@contextmanager
def _entry(section: str, index: int) -> Iterator[None]:
    """Say which entry of the file was refused."""
    try:
        yield
    except Refusal as refusal:
        raise DirectoryInvalid(f"{section}[{index}]: {refusal.detail}") from None
