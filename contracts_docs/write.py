"""Write every generated document. Files of events that no longer exist are removed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from contracts.registry import EVENTS
from contracts_docs.asyncapi import asyncapi
from contracts_docs.events_page import events_page
from contracts_docs.metrics_page import metrics_page
from contracts_docs.parties import all_parties
from contracts_docs.rights_page import rights_page
from contracts_docs.schemas import schema_of
from contracts_docs.settings_page import with_settings


def write_all(root: Path) -> list[Path]:
    """Write ``contracts/schemas``, ``contracts/asyncapi.yaml``, the pages of events, rights and metrics in ``docs`` and the table
    of settings in ``docs/operations.md`` below ``root``.

    Returns the files.
    """
    parties = all_parties()
    texts = {root / "contracts" / "schemas" / f"{name}.json": _json(schema_of(spec)) for name, spec in EVENTS.items()}
    texts[root / "contracts" / "asyncapi.yaml"] = _yaml(asyncapi(parties))
    texts[root / "docs" / "events.md"] = events_page(parties)
    texts[root / "docs" / "rights.md"] = rights_page()
    texts[root / "docs" / "metrics.md"] = metrics_page()
    operations = root / "docs" / "operations.md"
    if operations.exists():  # the rest of that page is written by people
        texts[operations] = with_settings(operations.read_text(encoding="utf-8"))
    for path in (root / "contracts" / "schemas").glob("*.json"):
        if path not in texts:
            path.unlink()
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(texts)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _yaml(value: Any) -> str:
    return "# Written by `make contracts`.\n" + yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=120)
