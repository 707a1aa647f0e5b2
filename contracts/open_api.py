"""开放资源: what third-party programs may read with a key, in which environment, and how much of it.

Identity gives the keys and the gateway counts by them, so both speak of datasets and quotas in these words.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Literal, get_args

Environment = Literal["sandbox", "production"]
ENVIRONMENTS: tuple[Environment, ...] = get_args(Environment)

KEY_PATTERN = re.compile(r"tb([sp])_([a-z0-9]{10})_[0-9a-f]{64}")
"""``tbs_…`` is a key of the sandbox, ``tbp_…`` one of production; then its id, by which people know it again, and its secret."""
SHOWN_LENGTH = 14
"""What of a key may be shown afterwards: its environment and its id."""


@dataclass(frozen=True)
class Dataset:
    """A part of the open API: ``prefixes`` are the first segments below /api/v1/."""

    name: str
    name_en: str
    prefixes: frozenset[str]


DATASETS: dict[str, Dataset] = {
    "items": Dataset(
        "事项目录与部门",
        "Service items and departments",
        frozenset({"items", "packages", "catalog", "vocabulary", "departments"}),
    ),
    "licences": Dataset("证照核验", "Licence verification", frozenset({"licences", "document-keys", "licence-ca"})),
    "figures": Dataset("公开数据", "Public figures", frozenset({"figures"})),
    "open-data": Dataset("匿名办件数据集", "Anonymised case data", frozenset({"open-data"})),
    "ledger": Dataset("台账核验", "Ledger proofs", frozenset({"ledger"})),
}
FICTITIOUS = ("/api/v1/licences/", "/api/v1/open-data")
"""Below these a sandbox key reads made-up data under the same addresses."""
_OF_PREFIX = {prefix: code for code, dataset in DATASETS.items() for prefix in dataset.prefixes}


@dataclass(frozen=True)
class Quota:
    """Requests of one app in one environment, whichever of its keys they come with."""

    per_minute: int
    per_day: int


SANDBOX_QUOTA = Quota(per_minute=60, per_day=2000)
MOST_QUOTA = Quota(per_minute=60_000, per_day=20_000_000)


def dataset_of(path: str) -> str | None:
    """Code of the dataset at an address below /api/v1/; None where no key is taken."""
    head, version, prefix, *_ = (*path.split("/", 4)[1:4], "", "", "")
    return _OF_PREFIX.get(prefix) if (head, version) == ("api", "v1") else None


def fingerprint(key: str) -> str:
    """What is stored and compared: SHA-256 hex. A key holds 256 random bits, so that a slow hash would protect nothing more."""
    return hashlib.sha256(key.encode()).hexdigest()


def sandbox_path(path: str) -> str:
    """Where the fictitious counterpart of ``path`` is: /api/v1/licences/… → /api/v1/sandbox/licences/…."""
    return path.replace("/api/v1/", "/api/v1/sandbox/", 1)


def is_fictitious(path: str) -> bool:
    """Whether a sandbox key reads made-up data there."""
    return path.startswith(FICTITIOUS)
