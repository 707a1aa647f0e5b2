"""``python -m deploy.grafana.builders``: write the dashboards, and the chapters of the alerts into the operations guide."""

from __future__ import annotations

import json
from pathlib import Path

import click
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana.builders import (
    audit,
    bus,
    catalog,
    database,
    departments,
    documents,
    gateway,
    identity,
    ledger,
    licences,
    platform,
    supervision,
    workflow,
)
from deploy.grafana.builders.panels import build
from deploy.prometheus.runbook_chapters import write_chapters

ROOT = Path(__file__).resolve().parents[3]
FOLDER = "deploy/grafana/dashboards"
GUIDE = "docs/operations.md"
PAGES = (
    platform,
    bus,
    gateway,
    identity,
    catalog,
    workflow,
    documents,
    audit,
    departments,
    supervision,
    licences,
    ledger,
    database,
)


def write_dashboards(root: Path, guide: str = GUIDE) -> list[Path]:
    """Write every dashboard below ``root`` and remove those that are no more; returns the files."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for module in PAGES:
        page = module.page()
        path = folder / f"{page.name}.json"
        text = json.dumps(build(page, guide), cls=JSONEncoder, ensure_ascii=False, indent=1, sort_keys=True)
        path.write_text(text + "\n", encoding="utf-8")
        written.append(path)
    for path in set(folder.glob("*.json")) - set(written):
        path.unlink()
    return written


@click.command()
@click.option("--guide", default=GUIDE, show_default=True, help="where your operations guide is read / 手册所在的地址")
def main(guide: str) -> None:
    """写出 Grafana 页面与手册中的告警各节 / write the dashboards and the guide's chapters about alerts."""
    count = len(write_dashboards(ROOT, guide))
    chapters = write_chapters(ROOT / GUIDE)
    click.echo(f"{count} 个页面、{chapters} 个告警 / dashboards in {FOLDER}, alerts in {GUIDE}")


if __name__ == "__main__":
    main()
