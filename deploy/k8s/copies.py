"""``python -m deploy.k8s.copies``: the alert rules and dashboards in the form that Kubernetes takes. ``make dashboards`` runs it.

A rule is written in deploy/prometheus/rules and nowhere else; the Prometheus operator reads rules as resources, and kustomize
cannot put a file's content into one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
RULES = "deploy/prometheus/rules"
DASHBOARDS = "deploy/grafana/dashboards"
COPY_OF_RULES = "deploy/k8s/monitoring/rules.yaml"
LIST_OF_DASHBOARDS = f"{DASHBOARDS}/kustomization.yaml"
MADE = "# Made by `make dashboards`.\n"


def copy_of_rules(root: Path = ROOT) -> str:
    """A PrometheusRule for each file of rules."""
    resources = [
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": f"tongban-{path.stem}"},
            "spec": yaml.safe_load(path.read_text(encoding="utf-8")),
        }
        for path in sorted((root / RULES).glob("*.yaml"))
    ]
    return MADE + "---\n".join(map(_yaml, resources))


def list_of_dashboards(root: Path = ROOT) -> str:
    """A ConfigMap for each dashboard: an object of all of them would be too large for one. Grafana's sidecar knows them by
    their label.
    """
    names = sorted(path.name for path in (root / DASHBOARDS).glob("*.json"))
    maps = [{"name": f"dashboard-{Path(name).stem}", "files": [name]} for name in names]
    return MADE + _yaml(
        {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "configMapGenerator": maps,
            "generatorOptions": {"disableNameSuffixHash": True, "labels": {"grafana_dashboard": "1"}},
        }
    )


def main() -> None:
    """Write both."""
    (ROOT / COPY_OF_RULES).write_text(copy_of_rules(), encoding="utf-8")
    (ROOT / LIST_OF_DASHBOARDS).write_text(list_of_dashboards(), encoding="utf-8")


class _Dumper(yaml.SafeDumper):
    """A text of several lines stays one."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _yaml(content: dict[str, Any]) -> str:
    return yaml.dump(content, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1000)


if __name__ == "__main__":
    main()
