"""How anonymous open data are, as the installation has it set."""

from __future__ import annotations


class OpenDataRules:
    """``k``: a row stands for no fewer applicants. Filled at set-up."""

    def __init__(self) -> None:
        self.k = 5


RULES = OpenDataRules()
