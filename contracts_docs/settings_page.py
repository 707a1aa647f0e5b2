"""The table of settings in docs/operations.md, between its markers."""

from __future__ import annotations

from chassis.settings_shown import settings_table

BEGIN, END = "<!-- settings -->", "<!-- /settings -->"


def with_settings(page: str) -> str:
    """``page`` with the table as the code declares it. Raises ValueError when the markers are not there."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"docs/operations.md: {BEGIN} … {END}")
    return f"{before}{begin}\n\n{settings_table()}\n{end}{after}"
