"""Looks for changed meaning that leaves no trace in types: all code that reads a member does so otherwise."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from patchkit.diff.findings import plain
from patchkit.diff.pair import Pair
from patchkit.diff.types import ScalarKind, is_foreign
from patchkit.model.change import Change, Grade, Subject, Verdict
from patchkit.model.program import Function
from patchkit.model.words import listed

_ENOUGH = 2  # functions that reach a member


def compare_meanings(pair: Pair, bodies: list[tuple[Function, Function]], changes: Sequence[Change]) -> list[Change]:
    """Return a change for every record whose layout is the same while all code that reads some member of it changed.

    Only functions that mention exactly what they mentioned before count, and none of what `changes` tell of: then
    operators and constants are what changed.
    """
    if not (pair.old_usage.bodies_seen and pair.new_usage.bodies_seen):
        return []
    told = {change.name for change in changes if change.subject is Subject.TYPE}
    explained = _explained(changes)
    altered = {
        old.key
        for old, new in bodies
        if (old.references, old.members) == (new.references, new.members)
        and explained.isdisjoint(old.members)
        and explained.isdisjoint(old.references)
    }
    names = {member for old, _ in bodies if old.key in altered for member in old.members}
    owners = _owners(pair, names)
    suspects: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for name in names:
        owner = owners.get(name, [])
        users = pair.old_usage.accessor_keys(name)
        if len(owner) == 1 and owner[0] not in told and len(users) >= _ENOUGH and altered.issuperset(users):
            suspects[owner[0]][name] = sorted(f.name for f in pair.old_usage.accessors(name))
    return [_change(pair, key, members) for key, members in sorted(suspects.items())]


def _explained(changes: Sequence[Change]) -> set[str]:
    """Return the names whose own change is reason enough for code that mentions them to change."""
    found: set[str] = set()
    for change in changes:
        quiet = change.kind == "F01"
        for key in () if quiet else (change.old_key, change.new_key):
            found.add(key.rsplit(":", 1)[-1])
        found.update(edit.name.rsplit(".", 1)[-1].rsplit(">", 1)[-1] for edit in change.edits)
    return found - {""}


def _owners(pair: Pair, names: set[str]) -> dict[str, list[str]]:
    """Return the records that have a scalar member of each of `names`, none for a name that others have too."""
    found: dict[str, list[str]] = defaultdict(list)
    for member in pair.old_types.members:
        if member.name not in names:
            continue
        scalar = pair.old_types.scalar(member.type)
        kept = scalar is not None and scalar.kind is not ScalarKind.POINTER
        own = kept and not is_foreign(pair.old.records[member.record].coord)
        found[member.name].append(member.record if own else "")
    return {name: keys for name, keys in found.items() if all(keys)}


def _change(pair: Pair, key: str, members: dict[str, list[str]]) -> Change:
    names = listed(tuple(sorted(members)), at_most=3)
    users = listed(tuple(sorted({user for found in members.values() for user in found})), at_most=3)
    text = f"its bytes stay, but every function that reads {names} does so otherwise now ({users})"
    question = f"Does what {key} holds in {names} mean the same as before?"
    title = f"{key}: the meaning of {names} may have changed"
    change = plain(Subject.TYPE, "V03", Verdict.CONFIRM, key, key, title, text, rule="PKT119", question=question)
    record = pair.old.records[key]
    return replace(change, grade=Grade.WEAK, old_coord=record.coord, old_size=record.size, new_size=record.size)
