"""``python -m deploy.compose.make_secrets``: the files of secrets that deploy/compose.yaml hands out, each made up once."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import click
import yaml

from gateway.provision import SERVICES, departments_of

FOLDER = Path(__file__).parent / "secrets"
DIRECTORY = Path("catalogs/directory/demo.yaml")
DATABASES = ("identity", "catalog", "workflow", "documents", "audit")
PASSWORD_BYTES = 24


def make_secrets(folder: Path, departments: list[str]) -> list[str]:
    """Write what is missing into ``folder``, which only its owner may open; returns the names. A file that is there stays."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return [name for name, text in _texts(folder, departments) if _write_new(folder / name, text)]


def _texts(folder: Path, departments: list[str]) -> Iterator[tuple[str, str]]:
    """Names and texts, the passwords first: whatever is made of one that is there is made of that."""
    plain = [f"database_{name}" for name in (*DATABASES, "watcher")]
    for name in (*plain, *(f"broker_{name}" for name in (*SERVICES, *departments))):
        yield name, _password()
    for name in ("database_admin", "broker_admin_password", "limits_password", "grafana_admin", "receiver-token"):
        yield name, _password()

    def known(name: str) -> str:
        return (folder / name).read_text()

    for name in DATABASES:
        yield f"{name}_database_url", f"postgresql+psycopg://{name}:{known(f'database_{name}')}@postgresql:5432/{name}"
    for name in SERVICES:
        yield f"{name}_bus_url", f"amqp://{name}:{known(f'broker_{name}')}@rabbitmq:5672/tongban"
    users = {"services": SERVICES, "departments": departments}
    passwords = {kind: {name: known(f"broker_{name}") for name in names} for kind, names in users.items()}
    yield "broker_passwords", yaml.safe_dump(passwords)
    yield "broker_admin", f"tongban:{known('broker_admin_password')}"
    yield "broker_admin_conf", f"default_user = tongban\ndefault_pass = {known('broker_admin_password')}\n"
    yield "limits_url", f"redis://:{known('limits_password')}@limits:6379/0"
    yield "limits_conf", f'requirepass {known("limits_password")}\nsave ""\nappendonly no\nmaxmemory 256mb\n'


def _password() -> str:
    return secrets.token_urlsafe(PASSWORD_BYTES)


def _write_new(file: Path, text: str) -> bool:
    """Processes in containers read it under other accounts than its owner's; the folder keeps everybody else out."""
    if file.exists():
        return False
    file.write_text(text, encoding="utf-8")
    file.chmod(0o444)
    return True


@click.command()
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=FOLDER, show_default=True)
@click.option("--directory", default=str(DIRECTORY), show_default=True, help="部门名录 / directory of departments")
def main(folder: Path, directory: str) -> None:
    """生成 compose 所用的密码文件 / make up the secrets for compose."""
    made = make_secrets(folder, departments_of(directory))
    click.echo(f"新文件 / new files: {len(made)} -> {folder}")


if __name__ == "__main__":
    main()
