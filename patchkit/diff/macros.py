"""Compares constant macros: bounds of data, numbers that live objects hold, and the rest, which code carries."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from patchkit.diff.correspondence import Table, match_keys
from patchkit.diff.enums import named_numbers
from patchkit.diff.findings import plain
from patchkit.diff.fold import folded
from patchkit.diff.pair import Pair, altered
from patchkit.diff.types import is_foreign
from patchkit.model.change import Change, Edit, Grade, Subject, Verdict
from patchkit.model.ctype import Array
from patchkit.model.program import Facet, Macro
from patchkit.model.words import counted, listed

_SIZES = re.compile(
    r"(?i:(^|_)(max|min|size|len|length|limit|num|count|slots|entries|capacity|cap|width|depth|buckets|nr|chunk|bufsiz\w*)"
    r"(_|\d|$)|(len|size|max)$)"
)
_MEANING = re.compile(
    r"(?i:(^|_)(none|invalid|unknown|null|nil|sentinel|empty|unset|undefined|magic|unit|scale|factor|per|ms|msec|sec|usec"
    r"|nsec|shift|mask|base|offset)(_|\d|$))"
)
_FAMILY = 2  # macros that share a prefix


def compare_macros(pair: Pair, changes: Iterable[Change]) -> list[Change]:
    """Return what differs between the program's own constant macros; `changes` tell the bounds that moved."""
    if not pair.sees(Facet.MACROS):
        return []
    table = match_keys(pair.old.macros, pair.new.macros)
    bounds = _moved_bounds(changes)
    found: list[Change] = []
    others: list[Macro] = []
    families: dict[str, list[Macro]] = {}
    for key, other in altered(table, pair.old.macros, pair.new.macros):
        old, new = pair.old.macros[key], pair.new.macros[other]
        if (
            is_foreign(old.coord)
            or is_foreign(new.coord)
            or (type(old.value), old.value) == (type(new.value), new.value)
        ):
            continue
        if not families:
            families = _families(pair.old.macros.values())
        change = _classify(old, new, bounds, families)
        if change is None:
            others.append(old)
        else:
            found.append(replace(change, old_coord=old.coord, new_coord=new.coord))
    if others:
        text = "code compiled with them carries the new values; nothing that is stored is known to depend on them"
        title = counted(len(others), "other constant changed", "other constants changed")
        keys = [macro.key for macro in others]
        found.append(
            folded(Subject.MACRO, "V00", Verdict.AUTO, title, text, keys, others[0].coord, rule="", label="changed")
        )
        if len(others) == 1:
            one = others[0]
            now = pair.new.macros[table.forward[one.key]]
            found[-1] = replace(
                found[-1],
                old_key=one.key,
                title=f"{one.name}: {_short(one)} → {_short(now)}",
                new_coord=now.coord,
                old_coord=one.coord,
            )
    return [*found, *_ends(pair, table)]


def _short(macro: Macro) -> str:
    text = str(macro.value)
    return text if len(text) <= 40 else text[:37] + "…"


def _classify(
    old: Macro, new: Macro, bounds: dict[tuple[int, int], list[str]], families: dict[str, list[Macro]]
) -> Change | None:
    title = f"{old.name}: {_short(old)} → {_short(new)}"
    if not isinstance(old.value, int) or not isinstance(new.value, int):
        return None
    sized = bounds.get((old.value, new.value), [])
    if sized and old.value != new.value:
        text = f"it seems to size {listed(tuple(sized), at_most=3)}, where the consequence is told"
        change = plain(Subject.MACRO, "V01", Verdict.AUTO, old.key, new.key, title, text)
        return replace(change, grade=Grade.STRONG)
    if _renumbered(old, new, families):
        text = f"a stored {_short(old)} means something else, or nothing, to the new code"
        question = f"Is {old.name} ({_short(old)}) never kept in live data, a file or a message?"
        return plain(Subject.MACRO, "V02", Verdict.CONFIRM, old.key, new.key, title, text, question=question)
    if _SIZES.search(old.name):
        text = "what was allocated or checked under the old limit is used under the new one"
        question = f"Does no live allocation or array have its size from {old.name}?"
        change = plain(Subject.MACRO, "V01", Verdict.CONFIRM, old.key, new.key, title, text, question=question)
        return replace(change, grade=Grade.WEAK)
    if _MEANING.search(old.name):
        text = "live values that were made under the old meaning are read under the new one"
        question = f"Does no live value depend on what {old.name} was?"
        change = plain(Subject.MACRO, "V03", Verdict.CONFIRM, old.key, new.key, title, text, question=question)
        return replace(change, grade=Grade.WEAK)
    return None


def _families(macros: Iterable[Macro]) -> dict[str, list[Macro]]:
    found: dict[str, list[Macro]] = defaultdict(list)
    for macro in macros:
        if isinstance(macro.value, int) and "_" in macro.name and not is_foreign(macro.coord):
            found[macro.name.rsplit("_", 1)[0]].append(macro)
            found[macro.name.split("_", 1)[0]].append(macro)
    return found


def _renumbered(old: Macro, new: Macro, families: dict[str, list[Macro]]) -> bool:
    """Whether a macro looks like a flag bit or one number of a list: shifted, or of a family of distinct numbers."""
    if "<<" in old.text and "<<" in new.text:
        return True
    if not isinstance(old.value, int) or not isinstance(new.value, int):
        return False
    family = {m.key: m.value for m in families.get(old.name.rsplit("_", 1)[0], ()) if m.coord.file == old.coord.file}
    values = sorted(value for value in family.values() if isinstance(value, int))
    if len(values) <= _FAMILY or len(set(values)) != len(values):
        return False
    bits = all(value > 0 and value & (value - 1) == 0 for value in values)
    listing = values[-1] - values[0] < 2 * len(values)
    return bits or listing


def _moved_bounds(changes: Iterable[Change]) -> dict[tuple[int, int], list[str]]:
    """Return the array bounds that changed, with the members and variables whose they are."""
    found: dict[tuple[int, int], list[str]] = defaultdict(list)
    for change in changes:
        for edit in change.edits:
            for bound in _bounds(edit):
                found[bound].append(f"{change.name}.{edit.name}" if edit.name else change.name)
    return found


def _bounds(edit: Edit) -> list[tuple[int, int]]:
    was, now = re.findall(r"\[(\d+)\]", edit.was), re.findall(r"\[(\d+)\]", edit.now)
    if (
        edit.old is not None
        and edit.new is not None
        and isinstance(edit.old.type, Array) is not isinstance(edit.new.type, Array)
    ):
        return []
    return [(int(a), int(b)) for a, b in zip(was, now, strict=False) if a != b]


def _ends(pair: Pair, table: Table) -> list[Change]:
    found: list[Change] = []
    for gone, keys, mine, other in (
        (True, table.removed(pair.old.macros), pair.old, pair.new),
        (False, table.added(pair.new.macros), pair.new, pair.old),
    ):
        known = named_numbers(other)
        own = [mine.macros[key] for key in keys if not is_foreign(mine.macros[key].coord)]
        own = [macro for macro in own if known.get(macro.name) != macro.value]
        if not own:
            continue
        title = counted(
            len(own), *(("constant removed", "constants removed") if gone else ("constant added", "constants added"))
        )
        text = "no live object knows a macro; only code that was compiled with it does"
        label = "removed" if gone else "added"
        found.append(
            folded(
                Subject.MACRO,
                "V00",
                Verdict.NONE,
                title,
                text,
                [m.key for m in own],
                own[0].coord,
                rule="",
                label=label,
                gone=gone,
            )
        )
    return found
