"""Compares constant macros: bounds of data, numbers that live objects hold, and the rest, which code carries."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property

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


class _Families:
    """The constants of a program that share a prefix with one of them; only those that are asked for are decoded."""

    def __init__(self, macros: Mapping[str, Macro]) -> None:
        self._macros = macros

    @cached_property
    def _keys(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for key in self._macros:
            name, has_prefix, _ = key.partition("@")[0].rpartition("_")
            if has_prefix:
                found[name].add(key)
                found[name.partition("_")[0]].add(key)
        return found

    def numbers_of(self, macro: Macro) -> list[int]:
        """Return the values of the family of `macro`, itself included, as far as its file defines them; sorted."""
        keys = self._keys.get(macro.name.rsplit("_", 1)[0], ())
        family = (self._macros[key] for key in keys)
        return sorted(one.value for one in family if isinstance(one.value, int) and one.coord.file == macro.coord.file)


def compare_macros(pair: Pair, changes: Iterable[Change]) -> list[Change]:
    """Return what differs between the program's own constant macros; `changes` tell the bounds that moved."""
    if not pair.sees(Facet.MACROS):
        return []
    table = match_keys(pair.old.macros, pair.new.macros)
    bounds = _moved_bounds(changes)
    found: list[Change] = []
    others: list[Macro] = []
    families = _Families(pair.old.macros)
    for key, other in altered(table, pair.old.macros, pair.new.macros):
        old, new = pair.old.macros[key], pair.new.macros[other]
        if (
            is_foreign(old.coord)
            or is_foreign(new.coord)
            or (type(old.value), old.value) == (type(new.value), new.value)
        ):
            continue
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


def _classify(old: Macro, new: Macro, bounds: dict[tuple[int, int], list[str]], families: _Families) -> Change | None:
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


def _renumbered(old: Macro, new: Macro, families: _Families) -> bool:
    """Whether a macro looks like a flag bit or one number of a list: shifted, or of a family of distinct numbers."""
    if "<<" in old.text and "<<" in new.text:
        return True
    if not isinstance(old.value, int) or not isinstance(new.value, int):
        return False
    values = families.numbers_of(old)
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
