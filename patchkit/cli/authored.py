"""What the commands that author an update share: finding its directory, and printing its plan."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from patchkit.authoring import Authored, Finding, Item, State, Way
from patchkit.errors import InputError
from patchkit.model.words import counted

UPDATES = "updates"
_OPEN = {
    State.ASKED: ("question", "questions"),
    State.WRITE: ("conversion to write", "conversions to write"),
    State.STALE: ("stale answer", "stale answers"),
    State.BLOCKED: ("block", "blocks"),
}


updates_option = click.option(
    "--updates",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(UPDATES),
    show_default=True,
    help="The directory that the updates are in.",
)


def find_update(given: Path | None) -> Path:
    """Return the update's directory: the one given, else the only one below updates/. Raises InputError."""
    if given is not None:
        return given
    found = sorted(path.parent for path in Path(UPDATES).glob("*/update.toml"))
    if len(found) == 1:
        return found[0]
    text = "several updates" if found else "no update"
    raise InputError(f"there is {text} below {UPDATES}/", hint="name its directory, or make one: patchkit new OLD NEW")


def headline(authored: Authored) -> str:
    """Return one line: how far the update is."""
    plan = authored.plan
    counts = [
        counted(number, *words)
        for state, words in _OPEN.items()
        if (number := sum(item.state is state for item in plan.items))
    ]
    decided = sum(item.state is State.DECIDED for item in plan.items)
    start = f"{authored.folder}: {decided} decided"
    back = f"; irreversible: {authored.irreversible}" if authored.irreversible else "; reversible"
    if not counts:
        share = 100 * plan.unaided // plan.changed if plan.changed else 100
        return f"{start}, nothing open; {plan.lines} hand-written lines, {share} % of what changed needs none{back}"
    return f"{start}, open: {', '.join(counts)}{back}"


def print_plan(authored: Authored, *, all_items: bool) -> None:
    """Print the items of both directions, all of them or those that are open."""
    plans = {way: planned.plan for way, planned in authored.plans.items()}
    print_items(plans[Way.UP].items if all_items else plans[Way.UP].open, evidence=True)
    if Way.DOWN in plans:
        print_items(plans[Way.DOWN].items if all_items else plans[Way.DOWN].open, evidence=True, before="down ")


def print_items(items: Sequence[Item], *, evidence: bool, before: str = "") -> None:
    """Print items, the open ones with their question and what can be answered; `before` comes before each key."""
    for item in items:
        value = f" = {item.decision.value}" if item.decision is not None else ""
        print(f"{item.state:9} {before}{item.key}{value}")
        if item.state is not State.DECIDED:
            if item.question:
                print(f"          ? {item.question}")
            if item.choices:
                print(f"          answers: {' | '.join(item.choices)}")
            if item.proposal:
                print(f"          proposed: {item.proposal} ({item.grade} evidence)")
        elif item.decision is not None and item.decision.reason:
            print(f"          because {item.decision.reason} ({item.decision.author})")
        if evidence and item.state is not State.DECIDED:
            for reason in item.evidence:
                print(f"          because {reason}")


def print_finding(finding: Finding) -> None:
    """Print what a check found: where, with which object, and what to do."""
    place = f"{os.path.relpath(finding.file)}:{finding.line}: " if finding.line else ""
    print(f"   {finding.rule} {place}{'note: ' if finding.note else ''}{finding.text}")
    if finding.object and not finding.note:
        print(f"     with {finding.object}")
    print(f"     {finding.hint}")


def print_json(authored: Authored) -> None:
    """Print the plan as JSON."""
    plan, back = authored.plan, authored.back
    down = {
        "reversible": not authored.irreversible,
        "reason": authored.irreversible or None,
        "rule": "PKX606" if authored.irreversible else None,
        "open": len(back.plan.open) if back is not None else 0,
        "items": _rows(back.plan.items) if back is not None else [],
    }
    totals = {"old": plan.old, "new": plan.new, "lines": plan.lines, "changed": plan.changed, "unaided": plan.unaided}
    whole = {**totals, "open": len(plan.open), "items": _rows(plan.items), "down": down}
    json.dump(whole, sys.stdout, indent=2, ensure_ascii=False)
    print()


def _rows(items: Sequence[Item]) -> list[dict[str, object]]:
    return [
        {
            "key": item.key,
            "state": item.state,
            "rule": item.state.rule,
            "question": item.question,
            "choices": list(item.choices),
            "proposal": item.proposal,
            "grade": item.grade,
            "evidence": list(item.evidence),
            "value": item.decision.value if item.decision is not None else None,
            "reason": item.decision.reason if item.decision is not None else None,
            "by": item.decision.author if item.decision is not None else None,
        }
        for item in items
    ]
