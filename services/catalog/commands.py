"""``tongban catalog``: an agency's catalogue in files. Everything but ``validate`` may ask a running platform."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import marshmallow as ma
import yaml

from services.catalog.adapters.catalog_files import CatalogEntry, CatalogFileError, read_entry
from services.catalog.adapters.definition_document import ItemDefinitionSchema, definition_of, document_of
from services.catalog.adapters.file_findings import file_findings
from services.catalog.adapters.package_document import PackageEntry, is_package, package_document, read_package
from services.catalog.adapters.platform_client import PlatformClient, PlatformRefused
from services.catalog.domain.codes import looks_like_item_code
from services.catalog.domain.diff import differences

Command = Callable[..., Any]
FILE_NAME = re.compile(r"[^a-z0-9]+")
PACKAGE_CODE = re.compile(r"[a-z][a-z0-9_]*")


def _of_a_platform(command: Command) -> Command:
    """Where the platform is, and who asks."""
    for option in (
        click.option("--ca-file", help="私有证书颁发机构（PEM）/ a private certificate authority"),
        click.option("--token", envvar="TONGBAN_TOKEN", help="访问令牌，写入时需要 / access token, needed to write"),
        click.option(
            "--server",
            envvar="TONGBAN_PUBLIC_URL",
            default="http://127.0.0.1:8000",
            show_default=True,
            help="平台地址 / the platform's address",
        ),
    ):
        command = option(command)
    return command


@click.group("catalog", help="事项目录文件 / files of the catalogue")
def main() -> None:
    """Group ``tongban catalog``."""


@main.command("validate", help="校验文件或文件夹，列出全部问题 / say everything that is wrong with files or folders")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--advice/--no-advice", default=True, help="也列出提示 / advice too")
def validate_command(paths: Sequence[Path], *, advice: bool) -> None:
    """Exit status 1 if anything keeps a file from being published."""
    files = list(_files(paths))
    wrong = set()
    for file in files:
        for finding in file_findings(file):
            if not finding.problem.advice:
                wrong.add(file)
            if advice or not finding.problem.advice:
                click.echo(str(finding))
    click.echo(f"{len(files)} 个文件，{len(wrong)} 个有问题 / files: {len(files)}, with problems: {len(wrong)}")
    sys.exit(1 if wrong else 0)


@main.command(
    "diff", help="比较两个文件，或文件与平台上的现行版本 / compare two files, or a file with what is in force"
)
@click.argument("before")
@click.argument("after", required=False)
@_of_a_platform
def diff_command(before: str, after: str | None, **platform: Any) -> None:
    """Each side is a file, an item's code or a package's; with one file the other side is the platform's. Exit status 1 if they
    differ.
    """
    client = PlatformClient(**platform)
    with _told():
        if after is None:
            written = _document(before, client)
            old, new = _in_force(client, written), written
        else:
            old, new = _document(before, client), _document(after, client)
    changes = differences(old, new)
    for change in changes:
        click.echo(f"{change.pointer}: {change.says} / {change.says_en}")
    click.echo(f"{len(changes)} 处不同 / differences: {len(changes)}")
    sys.exit(1 if changes else 0)


@main.command("import", help="把文件送到平台：发布，或作为草稿 / send files to the platform: published, or as drafts")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--draft/--publish", default=False, help="存为草稿，由他人复核 / as drafts, which a second person reviews"
)
@click.option("--why", default="由文件导入 / imported from a file", help="草稿说明 / why, for drafts")
@_of_a_platform
def import_command(paths: Sequence[Path], *, draft: bool, why: str, **platform: Any) -> None:
    """Every file is tried, packages after the items that they are made of; exit status 1 if the platform refused any."""
    client = PlatformClient(**platform)
    refused = 0
    for file in sorted(_files(paths), key=_is_package):
        try:
            click.echo(f"{file}: {_send(client, file, why if draft else None)}")
        except CatalogFileError as error:
            refused += 1
            click.echo(str(error), err=True)
        except PlatformRefused as error:
            refused += 1
            click.echo(f"{file}: {error}", err=True)
            for problem in error.problems:
                click.echo(f"  {problem['code']} {problem['where']}: {problem['detail']}", err=True)
    sys.exit(1 if refused else 0)


@main.command("export", help="导出现行目录 / take the catalogue in force away")
@click.option("--format", "form", type=click.Choice(["yaml", "json", "csv"]), default="yaml", show_default=True)
@click.option("--to", type=click.Path(path_type=Path), help="文件；yaml 为文件夹 / a file, a folder for yaml")
@_of_a_platform
def export_command(form: str, to: Path | None, **platform: Any) -> None:
    """YAML is one file for each item and package, as ``import`` takes it; retired items carry their retirement."""
    client = PlatformClient(**platform)
    if form == "yaml":
        if to is None:
            raise click.UsageError("yaml 需要 --to 文件夹 / yaml needs --to FOLDER")
        with _told():
            written = [_write_yaml(to, item) for item in json.loads(client.taken("items.json"))]
            written += [_write_package(to, client.package(code)) for code in client.packages()]
        click.echo(f"{len(written)} 个文件 / files: {len(written)}")
        return
    with _told():
        content = client.taken(f"items.{form}")
    if to is None:
        sys.stdout.buffer.write(content)
    else:
        to.write_bytes(content)
        click.echo(f"{to}: {_count(form, content)}")


class _told:  # noqa: N801 - reads as a word where it is used
    """What the platform or a file refuses ends the command with a sentence and status 2."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, PlatformRefused | CatalogFileError):
            click.echo(str(error), err=True)
            sys.exit(2)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """The files, and of a catalogue's folder those of items and packages; shared parts are read where they are used."""
    for path in paths:
        if path.is_file():
            yield path
            continue
        own = sorted(path.glob("*.yaml"))
        yield from own or [file for name in ("items", "packages") for file in sorted((path / name).glob("*.yaml"))]


def _is_package(file: Path) -> bool:
    try:
        return is_package(file)
    except CatalogFileError:
        return False  # said when it is read


def _document(name: str, client: PlatformClient) -> dict[str, Any]:
    if looks_like_item_code(name):
        return _guide(client, name)
    file = Path(name)
    if file.is_file() and is_package(file):
        return package_document(read_package(file).definition)
    if not file.is_file() and PACKAGE_CODE.fullmatch(name):
        return client.package(name)
    if not file.is_file():
        raise click.UsageError(f"没有这个文件，也不是编码 / no such file, and no code: {name}")
    return document_of(read_entry(file).definition)


def _in_force(client: PlatformClient, written: dict[str, Any]) -> dict[str, Any]:
    """What the platform says of the same item or package."""
    if "package_code" in written:
        return client.package(str(written["package_code"]))
    return _guide(client, str(written["item_code"]))


def _guide(client: PlatformClient, item_code: str) -> dict[str, Any]:
    """The guide without what stands beside the definition."""
    return _definition(client.guide(item_code))


def _definition(guide: dict[str, Any]) -> dict[str, Any]:
    return document_of(definition_of(ItemDefinitionSchema(unknown=ma.EXCLUDE).load(guide)))


def _send(client: PlatformClient, file: Path, why: str | None) -> str:
    """Publish what the file holds, or make it a draft with its reason ``why``."""
    if not is_package(file):
        entry = read_entry(file)
        return _publish(client, entry) if why is None else _draft(client, entry, why)
    if why is not None:
        raise CatalogFileError(f"{file.name}: 一件事直接发布，没有草稿 / packages have no drafts; use --publish")
    return _publish_package(client, read_package(file))


def _publish_package(client: PlatformClient, entry: PackageEntry) -> str:
    code, end = entry.definition.package_code, entry.retirement
    try:
        done = client.publish_package(package_document(entry.definition))
        said = "已发布 / published" if done["created"] else "未变 / unchanged"
        if end is not None:
            client.retire_package(code, end.retired_on.isoformat(), end.reason)
    except PlatformRefused as refused:
        if end is not None and refused.code == "package_retired":
            return f"未变（已取消）/ unchanged, retired: {code}"
        raise
    return f"{said}: {code} v{done['version']}"


def _publish(client: PlatformClient, entry: CatalogEntry) -> str:
    code = entry.definition.item_code
    try:
        done = client.publish(document_of(entry.definition))
        said = "已发布 / published" if done["created"] else "未变 / unchanged"
        said = f"{said}: {code} v{done['version']}"
        if entry.retirement is not None:
            client.retire(code, entry.retirement.retired_on.isoformat(), entry.retirement.reason)
    except PlatformRefused as refused:
        if entry.retirement is not None and refused.code == "item_retired":
            return f"未变（已取消）/ unchanged, retired: {code}"
        raise
    return said


def _draft(client: PlatformClient, entry: CatalogEntry, why: str) -> str:
    return f"草稿 / draft {client.draft(document_of(entry.definition), why)}: {entry.definition.item_code}"


def _write_yaml(folder: Path, item: dict[str, Any]) -> Path:
    document = _definition(item)
    if item["state"] == "retired":
        document["retirement"] = {"retired_on": item["retired_on"], "reason": item["retired_reason"]}
    folder.mkdir(parents=True, exist_ok=True)
    name = FILE_NAME.sub("-", item["name_en"].lower()).strip("-")
    file = folder / f"{name[:60]}-{item['item_code'][-12:]}.yaml"
    text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=120)
    file.write_text(f"# {item['name']} / {item['name_en']}\n{text}", "utf-8")
    return file


def _write_package(folder: Path, document: dict[str, Any]) -> Path:
    file = folder / f"package-{document['package_code']}.yaml"
    text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=120)
    file.write_text(f"# {document['name']} / {document['name_en']}\n{text}", "utf-8")
    return file


def _count(form: str, content: bytes) -> str:
    text = content.decode("utf-8")
    many = len(json.loads(text)) if form == "json" else len(list(csv.reader(text.splitlines()))) - 1
    return f"{many} 个事项 / items: {many}"
