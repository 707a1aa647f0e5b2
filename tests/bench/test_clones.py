"""Clones stand for cases: their numbers must be valid, different, and in the order of time."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from bench.clones import OWNED, Clones
from services.documents.domain.licence_number import LicenceNumber, parse

LICENCE = LicenceNumber("11339999YX0000040C001", "11339999YX0000040C", "000000001")
CLONES = Clones(3000, "11339999YX0000016U4000105016000", LICENCE, "o-1", datetime(2026, 11, 25, tzinfo=UTC))


def test_clones_have_numbers_of_their_own_in_the_order_of_time() -> None:
    made = [CLONES[n] for n in range(CLONES.total)]
    assert [c.case_no for c in made] == sorted({c.case_no for c in made})
    assert [c.stamp for c in made] == sorted({c.stamp for c in made})
    assert all(str(parse(c.licence_no)) == c.licence_no for c in made)
    assert max(c.at for c in made) < CLONES.now


def test_an_id_with_a_clones_stamp_is_a_uuid_of_its_moment() -> None:
    clone = CLONES[1234]
    stamped = UUID(clone.stamp + "-76db-a88c-f74274bd99cf")
    assert stamped.version == 7
    assert stamped.int >> 80 == int(clone.at.timestamp() * 1000)


def test_a_citizen_owns_as_many_clones_at_every_size() -> None:
    assert sum(CLONES[n].party == "o-1" for n in range(CLONES.total)) == OWNED
