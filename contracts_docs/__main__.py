"""``python -m contracts_docs`` writes what is generated; ``--release`` also freezes it as the last release's language."""

from __future__ import annotations

import sys
from pathlib import Path

from contracts_docs.release import freeze
from contracts_docs.write import write_all

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Write into the checkout."""
    print(f"{len(write_all(ROOT))} files: contracts/schemas, contracts/asyncapi.yaml, docs/*.md")
    if "--release" in sys.argv[1:]:
        freeze(ROOT / "contracts")
        print("contracts/released")


if __name__ == "__main__":
    main()
