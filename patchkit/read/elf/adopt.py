"""Unnamed types whose typedef the compiler left out of some units, because nothing in those uses it.

`typedef enum { A, B } mode;` is nothing but the enumeration to a unit that only mentions `A`; and to one that only uses
`P`, `typedef struct { int a; } T, *P;` is the type behind `P`. Both are called after the typedef all the same.
"""

from collections.abc import Sequence

from patchkit.model.program import Enum, Record
from patchkit.read.elf.collect import Facts
from patchkit.read.elf.types import Definition


def adopt_names(facts: Sequence[Facts]) -> dict[int, str]:
    """Replace what nothing refers to by its named twin, and return the typedef's name for the rest, by offset."""
    twins: dict[object, Definition | None] = {}
    for each in facts:
        for offset, definition in each.definitions if each.by_typedef else ():
            if offset in each.by_typedef:
                known = twins.setdefault(_shape(definition), definition)
                if known is not None and known.key != definition.key:
                    twins[_shape(definition)] = None  # two types in one place, by a macro: nothing tells which
    renamed: dict[int, str] = {}
    for each in facts:
        strangers = each.nameless.keys() - each.by_typedef
        for index, (offset, definition) in enumerate(each.definitions if strangers else ()):
            twin = twins.get(_shape(definition)) if offset in strangers else None
            if twin is None:
                continue
            if each.nameless[offset]:
                renamed[offset] = twin.key.split(" ", 1)[1]
            else:
                each.definitions[index] = offset, twin
    return renamed


def _shape(definition: Definition) -> object:
    match definition:
        case Record():
            members = tuple((each.name, each.offset, each.size, each.width) for each in definition.members)
            return definition.tag, definition.coord, definition.size, members
        case Enum():
            return definition.coord, definition.size, definition.constants
        case _:
            return definition.key
