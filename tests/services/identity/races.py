"""Two processes try the same thing at the same moment, on a database that they share."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ROUNDS = 6
PATIENCE_S = 60


def race(url: str, data_key: Path, account_id: str, codes: dict[str, list[str]]) -> dict[str, list[list[bool]]]:
    """For each kind of code (``totp``, ``recovery``) and each code: what each of two processes was told.

    TOTP codes are of successive steps from NOON on.
    """
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(2), context.Queue()
    arguments = ((url, str(data_key), account_id), codes, barrier, answers)
    racers = [context.Process(target=_run, args=arguments) for _ in range(2)]
    for racer in racers:
        racer.start()
    told = [answers.get(timeout=PATIENCE_S) for _ in racers]
    for racer in racers:
        racer.join(PATIENCE_S)
    return {kind: [list(pair) for pair in zip(*(one[kind] for one in told), strict=True)] for kind in codes}


def _run(where: tuple[str, str, str], codes: dict[str, list[str]], barrier: Barrier, answers: Any) -> None:
    from datetime import timedelta

    from services.identity.adapters.totp import STEP_S
    from services.identity.adapters.vault import load_or_create_vault
    from services.identity.models import db
    from services.identity.use_cases.second_factor import verify_recovery, verify_totp

    url, data_key, account_id = where
    db.bind(url)
    vault = load_or_create_vault(Path(data_key))
    told: dict[str, list[bool]] = {kind: [] for kind in codes}
    now = NOON
    for kind, verify in (("totp", verify_totp), ("recovery", verify_recovery)):
        for code in codes[kind]:
            barrier.wait(PATIENCE_S)
            told[kind].append(verify(vault, account_id, code, now))
            now += timedelta(seconds=STEP_S)
    answers.put(told)
