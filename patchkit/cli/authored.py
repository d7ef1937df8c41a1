"""What the commands that author an update share: finding its directory, and printing its plan."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from patchkit.authoring import Authored, Item, State
from patchkit.errors import InputError
from patchkit.model.words import counted

UPDATES = "updates"
_OPEN = {
    State.ASKED: ("question", "questions"),
    State.WRITE: ("conversion to write", "conversions to write"),
    State.STALE: ("stale answer", "stale answers"),
    State.BLOCKED: ("block", "blocks"),
}


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
    if not counts:
        share = 100 * plan.unaided // plan.changed if plan.changed else 100
        return f"{start}, nothing open; {plan.lines} hand-written lines, {share} % of what changed needs none"
    return f"{start}, open: {', '.join(counts)}"


def print_items(items: Sequence[Item], *, evidence: bool) -> None:
    """Print items, the open ones with their question and what can be answered."""
    for item in items:
        value = f" = {item.decision.value}" if item.decision is not None else ""
        print(f"{item.state:9} {item.key}{value}")
        if item.state is not State.DECIDED:
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


def print_json(authored: Authored) -> None:
    """Print the plan as JSON."""
    plan = authored.plan
    rows = [
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
        for item in plan.items
    ]
    totals = {"old": plan.old, "new": plan.new, "lines": plan.lines, "changed": plan.changed, "unaided": plan.unaided}
    json.dump({**totals, "open": len(plan.open), "items": rows}, sys.stdout, indent=2, ensure_ascii=False)
    print()
