"""Compares enumerations constant by constant, by name: what a stored number means to the new code."""

import re
from collections import Counter
from dataclasses import replace

from patchkit.diff.findings import RULE_OF, edited, plain
from patchkit.diff.pair import Pair, altered
from patchkit.diff.reach import Reachability
from patchkit.diff.types import is_foreign
from patchkit.diff.verdicts import Presence, Whereabouts, locate
from patchkit.model.change import Change, Edit, Grade, Subject, Verdict
from patchkit.model.program import Enum, Program
from patchkit.model.rows import macro_values
from patchkit.model.words import listed

_SENTINEL = re.compile(
    r"(?i:(^|_|\b)(max|num|count|last|end|size|total|nr|limit|sentinel|entries|cnt|n)(_|\d|$)|(max|num|count|last)$)"
)


def compare_enums(pair: Pair, reach: Reachability) -> list[Change]:
    """Return what differs between the program's own enumerations."""
    found: list[Change] = []
    pairs = list(altered(pair.enums, pair.old.enums, pair.new.enums))
    gone = pair.enums.removed(pair.old.enums)
    elsewhere = named_numbers(pair.new) if pairs or gone else {}
    for key, other in pairs:
        old, new = pair.old.enums[key], pair.new.enums[other]
        if is_foreign(old.coord) and is_foreign(new.coord):
            continue
        if (old.constants, old.size, old.signed) != (new.constants, new.size, new.signed):
            change = _change(pair, old, new, locate(pair, reach, key), elsewhere)
            if change is not None:
                found.append(change)
    found += [
        _removed(pair, reach, pair.old.enums[key], elsewhere)
        for key in gone
        if not is_foreign(pair.old.enums[key].coord)
    ]
    found += [
        _added(pair, pair.new.enums[key])
        for key in pair.enums.added(pair.new.enums)
        if not is_foreign(pair.new.enums[key].coord)
    ]
    return found


def named_numbers(program: Program) -> dict[str, int | str]:
    """Return the values of all constants of `program`, be they macros or enumerators, by name."""
    found: dict[str, int | str] = dict(macro_values(program.macros))
    for enum in program.enums.values():
        found.update(enum.constants)
    return found


def _change(pair: Pair, old: Enum, new: Enum, where: Whereabouts, elsewhere: dict[str, int | str]) -> Change | None:
    edits = _constant_edits(pair, old, new, where, elsewhere)
    if (old.size, old.signed) != (new.size, new.signed):
        sign = "" if old.signed is new.signed else f", {'signed' if new.signed else 'unsigned'} now"
        text = f"is held in {new.size} bytes instead of {old.size}{sign}"
        kind = "T05" if new.size > old.size else "T06"
        verdict = Verdict.AUTO if kind == "T05" else Verdict.AUTO_CHECK
        edits.append(Edit(kind, RULE_OF[kind], verdict, "", text))
    if not edits:
        return None  # only the order in the text differs
    change = edited(Subject.TYPE, old.key, new.key, _title(old, new, edits), _consequence(old, edits, where), edits)
    match = pair.enums.notable.get(old.key)
    change = replace(
        change,
        old_coord=old.coord,
        new_coord=new.coord,
        old_size=old.size,
        new_size=new.size,
        evidence=match.evidence if match is not None else (),
    )
    # Where no variable is declared as it, an int may carry its numbers: that nothing reaches it proves nothing.
    return replace(change, reach=where.roots.best)


def _constant_edits(
    pair: Pair, old: Enum, new: Enum, where: Whereabouts, elsewhere: dict[str, int | str]
) -> list[Edit]:
    before, after = dict(old.constants), dict(new.constants)
    before = {name: value for name, value in before.items() if name in after or elsewhere.get(name) != value}
    removed = [name for name in before if name not in after]
    added = [name for name in after if name not in before]
    sentinel = _sentinel(old, new, added, removed)
    carried = _carried(where)
    edits: list[Edit] = []
    for name, value in before.items():
        if name in removed:
            edits.append(_gone(old, name, value, [other for other in added if after[other] == value], carried))
        elif after[name] != value and name == sentinel:
            text = f"{name} still ends the list: {value} → {after[name]}; what is sized by it grows along"
            edits.append(_edit("T19", Verdict.AUTO, name, text, value, after[name]))
        elif after[name] != value:
            taken = next((other for other, number in after.items() if number == value), "")
            verdict, question = _renumbering(pair, where, old.key, name)
            means = f"a stored {value} means {taken or 'nothing'} now"
            text = f"{name} goes from {value} to {after[name]}; " + (
                "no code names it" if verdict is Verdict.AUTO else means
            )
            edits.append(_edit("T20", verdict, name, text, value, after[name], question))
    for name in added:
        shared = next(
            (
                other
                for other, value in before.items()
                if value == after[name] and other in after and after[other] == value
            ),
            "",
        )
        text = f"{name} ({after[name]}) is new" + (f", another name of {shared}" if shared else "")
        edits.append(_edit("T19", Verdict.NONE, name, text, None, after[name]))
    return edits


def _carried(where: Whereabouts) -> bool:
    """Whether live values of the enumeration stand in variables and members that are declared as it."""
    return where.presence in (Presence.LIVE, Presence.CONSTANT)


def _renumbering(pair: Pair, where: Whereabouts, key: str, name: str) -> tuple[Verdict, str]:
    """Return verdict and question for a constant with another number. Where no variable is declared as the
    enumeration, an int may hold its numbers; but one that no code names is never looked for.
    """
    if _carried(where):
        return Verdict.AUTO_CHECK, ""
    named = any(usage.is_named(name) for usage in (pair.old_usage, pair.new_usage))
    if not named and where.presence in (Presence.FLEETING, Presence.UNUSED):
        return Verdict.AUTO, ""
    return Verdict.CONFIRM, f"Is every live value of {key} in a variable declared as that enumeration?"


def _sentinel(old: Enum, new: Enum, added: list[str], removed: list[str]) -> str:
    """Return the constant that ends both lists and counts them, where constants were only put in before it."""
    if removed or not added or not old.constants or old.constants[-1][0] != new.constants[-1][0]:
        return ""
    name, value = old.constants[-1]
    steady = all(dict(new.constants).get(other) == number for other, number in old.constants[:-1])
    if not steady or new.constants[-1][1] <= value:
        return ""
    return name if _SENTINEL.search(name) else ""


def _gone(old: Enum, name: str, value: int, heirs: list[str], carried: bool) -> Edit:
    if len(heirs) == 1:
        question = f"Does {heirs[0]} mean what {name} meant?"
        text = f"{name} ({value}) is gone and a stored {value} means {heirs[0]} now"
        edit = _edit("T21", Verdict.CONFIRM, name, text, value, value, question)
        return replace(edit, rule="PKT106", grade=Grade.STRONG, now=f"{heirs[0]} = {value}")
    text = f"{name} ({value}) is gone; a live object that holds it has no place in the new version"
    question = "" if carried else f"Is {name} ({value}) held by nothing when the update happens?"
    return _edit("T21", Verdict.AUTO_CHECK if carried else Verdict.CONFIRM, name, text, value, None, question)


def _edit(
    kind: str, verdict: Verdict, name: str, text: str, was: int | None, now: int | None, question: str = ""
) -> Edit:
    before = "" if was is None else f"{name} = {was}"
    after = "" if now is None else f"{name} = {now}"
    return Edit(kind, RULE_OF[kind], verdict, name, text, before, after, question=question)


def _title(old: Enum, new: Enum, edits: list[Edit]) -> str:
    name = old.key if old.key == new.key else f"{old.key} → {new.key}"
    verbs = {"T19": "added", "T20": "renumbered", "T21": "removed"}
    kinds = Counter(edit.kind for edit in edits)
    parts = []
    for kind, verb in verbs.items():
        names = tuple(e.name for e in edits if e.kind == kind and (kind != "T19" or not e.was))
        if kinds[kind] and names:
            parts.append(f"{listed(names, at_most=3)} {verb}")
    return f"{name}: {'; '.join(parts) or 'held in another width'}"


def _consequence(old: Enum, edits: list[Edit], where: Whereabouts) -> str:
    kinds = {edit.kind for edit in edits}
    if "T20" in kinds:
        where_held = f"every live {old.key}" if _carried(where) else f"every int that holds a constant of {old.key}"
        return f"{where_held} has to be renumbered"
    if "T21" in kinds:
        return "live values must not be a constant that is gone"
    if kinds == {"T19"}:
        return "stored numbers mean what they meant; only new code makes the new ones"
    return f"{old.key} is stored in another width"


def _removed(pair: Pair, reach: Reachability, enum: Enum, elsewhere: dict[str, int | str]) -> Change:
    where = locate(pair, reach, enum.key)
    verdict, text, question = (
        Verdict.AUTO,
        "nothing that lives is declared as it, and no function mentions its constants",
        "",
    )
    if all(elsewhere.get(name) == value for name, value in enum.constants):
        verdict, text = Verdict.NONE, "its constants have the same values elsewhere"
    elif where.live or not pair.old_usage.bodies_seen or any(pair.old_usage.naming(name) for name, _ in enum.constants):
        verdict, text = Verdict.CONFIRM, "numbers that live objects hold may have no names any more"
        question = f"Is every constant of {enum.key} held by nothing when the update happens?"
    title = f"{enum.key} is gone"
    change = plain(Subject.TYPE, "T28", verdict, enum.key, "", title, text, rule=RULE_OF["T21"], question=question)
    return replace(change, old_coord=enum.coord, old_size=enum.size, reach=where.roots.best)


def _added(pair: Pair, enum: Enum) -> Change:
    known = named_numbers(pair.old)
    moved = sum(known.get(name) == value for name, value in enum.constants)
    text = "no live object holds one of its constants"
    if moved:
        text = f"{moved} of its {len(enum.constants)} constants existed before, with the same values"
    change = plain(Subject.TYPE, "T30", Verdict.NONE, "", enum.key, f"{enum.key} is new", text)
    return replace(change, new_coord=enum.coord, new_size=enum.size)
