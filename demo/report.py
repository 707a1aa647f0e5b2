"""What the demonstration prints and writes down. It passes only if every check held."""

from __future__ import annotations

from demo.departments import Part
from demo.story import Told
from evidence.record import write_evidence

BAR = 48


def show(told: Told) -> None:
    """Timeline, times, licence, proofs and cards of one story."""
    print(f"\n== {told.title} ==")
    print(f"办件编号 / case        {told.case_no}")
    _timeline(told)
    print(f"总用时 / wall time     {told.wall_s:6.2f} s    各部门用时之和 / sum of departments {told.sum_s:6.2f} s")
    print(f"证照标识 / licence     {told.licence_no}   公开查验 / public check: {told.public.get('status')}")
    print(
        f"PDF 签名 / signature   {'有效 / valid' if told.licence.ok else '无效 / INVALID'}  (python -m verify.licence)"
    )
    print(
        f"台账证明 / ledger      {'成立 / proven' if told.trail.ok else '不成立 / NOT PROVEN'}  (python -m verify.ledger)"
    )
    for card in told.cards:
        print(f"电子监察 / card        {card['level']:<6} {card['rule']} {card['department']}: {card['detail']}")
    if not told.cards:
        print("电子监察 / cards       无 / none")


def _timeline(told: Told) -> None:
    began = min(part.received_at or 0.0 for part in told.parts)
    whole = max(part.answered_at or 0.0 for part in told.parts) - began
    for part in told.parts:
        assert part.received_at is not None
        left = round((part.received_at - began) / whole * BAR)
        width = max(1, round(part.took_s / whole * BAR))
        bar = " " * left + "█" * width
        print(f"  {part.department:<18} {part.step:<28} |{bar:<{BAR + 1}}| {part.took_s:6.2f} s")


def conclude(target: str, stories: list[Told], *, slow_department: str, refused: list[str]) -> bool:
    """Write the evidence; True if everything was seen and every check held."""
    figures: dict[str, float] = {}
    goals: dict[str, tuple[str, bool]] = {}
    for number, told in enumerate(stories, start=1):
        name = f"case_{number}"
        figures |= {
            f"{name}_wall_s": round(told.wall_s, 3),
            f"{name}_sum_of_departments_s": round(told.sum_s, 3),
            f"{name}_departments": len({part.department for part in told.parts}),
            f"{name}_longest_department_s": round(max(part.took_s for part in told.parts), 3),
            f"{name}_ledger_entries": float(told.trail.says.get("events", 0)),
        }
        goals |= {
            f"{name}_closed_with_one_licence": ("closed, licence number given", bool(told.licence_no)),
            f"{name}_parallel": ("wall time < sum of the departments' times", told.wall_s < told.sum_s),
            f"{name}_overlap": ("parallel departments work at the same time", overlaps(told.parts)),
            f"{name}_pdf_verifies": ("python -m verify.licence exits 0", told.licence.ok),
            f"{name}_public_check": ("public verification says valid", told.public.get("status") == "valid"),
            f"{name}_ledger_verifies": ("python -m verify.ledger exits 0", told.trail.ok),
        }
    goals["cards_of_the_slow_department_only"] = (
        f"yellow and red T9 against {slow_department}, none else",
        sorted((c["department"], c["level"], c["rule"]) for told in stories for c in told.cards)
        == [(slow_department, "red", "T9"), (slow_department, "yellow", "T9")],
    )
    goals["no_answer_refused"] = ("no department's answer was refused", not refused)
    passed = write_evidence(target, figures, goals)
    print("\n检查 / checks:")
    for name, (goal, met) in goals.items():
        print(f"  {'✓' if met else '✗'} {name}: {goal}")
    print(f"\n{'全部通过 / all passed' if passed else '未通过 / FAILED'}    build/evidence/{target}.json")
    return passed


def overlaps(parts: list[Part]) -> bool:
    """Whether all steps that are opinions were in the departments' hands at one moment."""
    opinions = [part for part in parts if part.opinion]
    if len(opinions) < 2:
        return False
    latest_start = max(part.received_at or 0.0 for part in opinions)
    return all((part.answered_at or 0.0) > latest_start for part in opinions)
