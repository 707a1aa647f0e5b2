"""docs/authoring.md, word for word: every step is validated, published, and a case of it goes its way to the licence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from chassis.cli import main as tongban
from tests.journeys.case import Case, apply, defects
from tests.journeys.platform import Refused, Town, embedded_town

PAGE = Path("docs/authoring.md")
FENCE = re.compile(r"^```([a-z]+(?: [a-z]+)?)\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINE = re.compile(r"(\d{4}-\d\d-\d\d)  (\w+): (.*?) → (.*)")
FILE = "food.yaml"
ASSIGNED = "SELECT body FROM outbox WHERE type = 'task.assigned.v1'"


@dataclass
class Section:
    """One step of the page: the whole item at its end, and what is said of it."""

    title: str
    item: dict[str, Any]
    text: str
    wrong: str = ""
    said: list[str] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)
    licence: dict[str, Any] = field(default_factory=dict)


class _Loader(yaml.SafeLoader):
    """Dates stay text."""


_Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: loader.construct_scalar(node))


def sections() -> list[Section]:
    """The page's steps, each building on those before it."""
    found: list[Section] = []
    for part in re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]:
        before = found[-1].item if found else {}
        made = Section(part.partition("\n")[0], dict(before), "")
        for language, text in FENCE.findall(part):
            if language == "yaml":
                made.item |= yaml.load(text, Loader=_Loader)
                made.text = text
            elif language == "yaml wrong":
                made.wrong = text
            elif language == "console":
                made.said.append(text)
            elif language == "case":
                made.cases.append(text)
            elif language == "json":
                made.licence = json.loads(text)
        found.append(made)
    return found


SECTIONS = sections()
STEPS = [section for section in SECTIONS if section.cases]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with embedded_town(tmp_path_factory.mktemp("authoring")) as town:
        yield town


def validate(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    monkeypatch.chdir(folder)
    Path(FILE).write_text(text)
    answer = CliRunner().invoke(tongban, ["catalog", "validate", FILE])
    return answer.exit_code, f"$ tongban catalog validate {FILE}\n{answer.output}"


def test_the_page_says_what_the_validator_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = STEPS[0]
    right, wrong = first.said
    assert validate(first.text, tmp_path, monkeypatch) == (0, right)
    text = first.text
    for line in first.wrong.splitlines():
        text, changed = re.subn(rf"^{line.partition(':')[0]}:.*$", line, text, flags=re.MULTILINE)
        assert changed == 1, line
    assert validate(text, tmp_path, monkeypatch) == (1, wrong)


@pytest.mark.parametrize("section", STEPS, ids=lambda section: section.title.partition("/ ")[2].replace(" ", "-"))
def test_every_step_is_valid_and_its_cases_go_as_the_page_says(
    town: Town, section: Section, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, said = validate(yaml.safe_dump(section.item, allow_unicode=True), tmp_path, monkeypatch)
    assert status == 0, said
    code = town.publish(section.item)
    for transcript in section.cases:
        assert play(town, code, transcript) == transcript


def test_the_licence_says_what_the_page_says(town: Town) -> None:
    section = STEPS[-1]
    code = town.publish(section.item)
    play(town, code, section.cases[-1])
    rows = town.read("workflow", f"SELECT licence_no FROM cases WHERE item_code = '{code}' ORDER BY submitted_at")
    [page] = [section.licence for section in SECTIONS if section.licence]
    shown = town.told("GET", f"/api/v1/licences/{rows[-1][0]}", None)
    assert {name: shown[name] for name in page} == page


def test_a_department_sees_what_its_step_names_and_no_more(town: Town) -> None:
    [section] = [section for section in STEPS if "area=500" in "".join(section.cases)]
    play(town, town.publish(section.item), next(case for case in section.cases if "area=500" in case))
    told = [json.loads(bytes(row[0]))["data"] for row in town.read("workflow", ASSIGNED)]
    seen = {(*sorted(one["form"]), *(m["code"] for m in one["materials"])) for one in told if one["step"] == "fire"}
    assert seen == {("address", "area", "layout")}


def play(town: Town, code: str, transcript: str) -> str:
    """The transcript as it really goes. Raises when a case that it tells of does not end with a licence."""
    told, case = "", None
    for line in transcript.splitlines():
        matched = LINE.fullmatch(line)
        assert matched, line
        day, who, act, _ = matched.groups()
        town.go_to(date.fromisoformat(day))
        if act.startswith("apply"):
            case = _apply(town, code, act.split()[1:])
            refused = None
        else:
            assert case is not None
            refused = _act(case, who, act.split())
        told += f"{day}  {who}: {act} → {f'refused: {refused.code}' if refused else standing(case)}\n"
    assert case is not None
    assert case.ended("closed")["licence_no"]
    return told


def _apply(town: Town, code: str, words: list[str]) -> Case:
    said = dict(word.split("=") for word in words)
    later = [said.pop("later")] if "later" in said else []
    guide = town.guide(code)
    form = dict(guide["form_schema"]["examples"][0]) | {name: json.loads(value) for name, value in said.items()}
    papers = [m["code"] for m in guide["materials"] if m["code"] not in later and _asked(m.get("when") or [], form)]
    return apply(town, code, form=form, papers=papers, later=later)


def _asked(conditions: list[dict[str, Any]], form: dict[str, Any]) -> bool:
    return all(form.get(condition["field"]) in condition["one_of"] for condition in conditions)


def _act(case: Case, who: str, words: list[str]) -> Refused | None:
    """What a line says that somebody does; the refusal, if it is one."""
    kind, *rest = words
    if who == "applicant":
        case.hand_in({"correct": "corrections", "supplement": "supplements"}[kind], *rest, text=f"{kind} {rest}")
        return None
    if who == "lead":
        path, body = _conduct(kind, rest)
        answer = case.town.ask("POST", f"/api/v1/cases/{case.no}/{path}", Town.officer(case.lead), body)
    else:
        answer = _answer(case, who, kind, rest)
    case.town.settle()
    return None if answer.status_code < 300 else Refused(answer.status_code, answer.json["code"], answer.json)


def _conduct(kind: str, rest: list[str]) -> tuple[str, dict[str, Any]]:
    if kind == "special_procedure":
        return "special-procedures", {"code": rest[0], "limit": {"amount": int(rest[1])}, "reason": "现场须整改"}
    if kind == "end":
        return "special-procedures/end", {"reason": "整改完毕"}
    return "extension", {"reason": "案情复杂", "approved_by": "周局长", "rank": "agency_head"}


def _answer(case: Case, step: str, verdict: str, rest: list[str]) -> Any:
    """By the department's own system, which names who signed; the decision by an officer."""
    task = case.tasks()[step]
    codes = [word for word in rest if word.isascii()]
    signers = "".join(word for word in rest if not word.isascii())
    body: dict[str, Any] = {
        "verdict": verdict,
        "reason": "" if verdict == "agree" else "理由",
        "defects": defects(*codes),
    }
    body |= {"officer": signers} if signers else {}
    return case.town.ask("POST", f"/api/v1/tasks/{task['task_id']}/opinion", Town.system(task["department"]), body)


def standing(case: Case) -> str:
    """State, open steps with their last days, and the dates that bind."""
    shown = case.show()
    words = [
        shown["state"],
        *(f"{task['step']}≤{task['due_on'][5:]}" for task in shown["tasks"] if task["state"] == "open"),
    ]
    if shown["state"] == "received":
        words.append(f"answer by {shown['accept_by']}")
    elif shown["state"] == "awaiting_correction":
        words.append(f"correct by {shown['notice']['correct_by']}")
    elif shown["state"] in ("under_examination", "special_procedure"):
        words.append(f"decide by {shown['due_on']} / {shown['statutory_due_on']}")
    owed = [p for p in shown["promises"] if p["kept_on"] is None and p["due_on"]]
    words += [f"{promise['material_code']} until {promise['due_on']}" for promise in owed if shown["state"] != "closed"]
    return "; ".join(words)
