"""Which function an entry belongs to."""

from bisect import bisect_right
from collections.abc import Callable, Iterator

from patchkit.read.elf import dwarf
from patchkit.read.elf.unit import Entry, Unit

_MOST_ORIGINS = 8  # steps from a function to the entry that names it


def function_name(function: Entry, lookup: Callable[[int], Entry | None]) -> str:
    """Return the name of a function, from the entry that it completes or is a copy of if need be; empty for none."""
    entry: Entry | None = function
    for _ in range(_MOST_ORIGINS):
        if entry is None or entry.name:
            break
        origin = entry.reference(dwarf.AT_SPECIFICATION)
        if origin is None:
            origin = entry.reference(dwarf.AT_ABSTRACT_ORIGIN)
        entry = lookup(origin) if origin is not None else None
    return entry.name if entry is not None else ""


def function_around(entry: Entry) -> str:
    """Return the name of the function that begins last before `entry` in its file, empty where none does.

    clang 14 at -O2 moves what is static in functions that it inlines into functions without any attribute.
    """
    unit = entry.unit
    if unit.beginnings is None:
        unit.beginnings = {}
        for function in _functions(unit):
            if function.name and not function.has(dwarf.AT_DECLARATION):
                start = function.number(dwarf.AT_DECL_LINE) or 0
                unit.beginnings.setdefault(function.number(dwarf.AT_DECL_FILE), []).append((start, function.name))
        for starts in unit.beginnings.values():
            starts.sort()
    starts = unit.beginnings.get(entry.number(dwarf.AT_DECL_FILE), [])
    index = bisect_right(starts, entry.number(dwarf.AT_DECL_LINE) or 0, key=lambda start: start[0])
    return starts[index - 1][1] if index else ""


def types_in_functions(unit: Unit) -> Iterator[tuple[Entry, Entry]]:
    """All records and enumerations that are declared in functions, each with the outermost of those functions."""
    for function in _functions(unit):
        waiting = [function]
        while waiting:
            for entry in waiting.pop().children:
                if entry.tag in dwarf.DEFINITION_TAGS:
                    yield entry, function
                if entry.children:
                    waiting.append(entry)


def _functions(unit: Unit) -> Iterator[Entry]:
    top = unit.entries.get(unit.first)
    return (entry for entry in (top.children if top is not None else ()) if entry.tag == dwarf.TAG_SUBPROGRAM)
