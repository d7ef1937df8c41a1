"""Single columns of a program's mappings, for indices over thousands of entities of which a few dozen are looked at.

Nothing is decoded for them but types. A damaged entity is decoded nevertheless, which raises what is wrong with it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from patchkit.model.codec import LazyMapping, Raw, TypeTable
from patchkit.model.ctype import CType
from patchkit.model.program import Function, Macro, Record, Typedef, Variable

T = TypeVar("T")
Symbols = Mapping[str, Variable] | Mapping[str, Function]
_NAMES = {"references": 10, "members": 11, "assigned": 12}


class MemberRow(NamedTuple):
    """A member of the record of that key."""

    record: str
    name: str
    type: CType


def _rows(
    entities: Mapping[str, Any], of_raw: Callable[[str, Raw, TypeTable], T], of_entity: Callable[[str, Any], T]
) -> list[T]:
    """Return something of each entity, by its raw form where it has one."""
    if not isinstance(entities, LazyMapping):
        return [of_entity(key, entity) for key, entity in entities.items()]
    try:
        return [of_raw(key, raw, entities.types) for key, raw in entities.raw().items()]
    except (IndexError, TypeError, ValueError):
        for key in entities:
            entities[key]  # says what is wrong
        raise


def fingerprints(entities: Mapping[str, Any]) -> dict[str, str]:
    """Return key → fingerprint."""
    return dict(_rows(entities, lambda key, raw, _: (key, raw[0]), lambda key, entity: (key, entity.fingerprint)))


def equal_symbols(old: Symbols, new: Symbols) -> frozenset[str]:
    """Return the keys of the variables or functions that are equal on both sides, in one file and the same units."""
    ours, theirs = _marks(old), _marks(new)
    return frozenset(key for key in ours.keys() & theirs.keys() if ours[key] == theirs[key] and ours[key][0])


def _marks(entities: Symbols) -> dict[str, tuple[str, str, Sequence[str]]]:
    """Return by key what is the same of equal symbols; the names of units as a list, which JSON has."""
    if isinstance(entities, LazyMapping):
        return {key: (raw[0], raw[1], raw[-1]) for key, raw in entities.raw().items()}
    return {key: (entity.fingerprint, entity.file, list(entity.units)) for key, entity in entities.items()}


def symbols(entities: Symbols) -> list[tuple[str, str, str]]:
    """Return file, name and linkage of each variable or function, the linkage as text."""
    return _rows(
        entities,
        lambda _, raw, __: (raw[1], raw[3], raw[5]),
        lambda _, entity: (entity.file, entity.name, str(entity.linkage)),
    )


def function_names(functions: Mapping[str, Function], column: str) -> list[tuple[str, Sequence[str]]]:
    """Return the key of each function with the names in its `column`: `references`, `members` or `assigned`."""
    place = _NAMES[column]
    return _rows(functions, lambda key, raw, _: (key, raw[place]), lambda key, entity: (key, getattr(entity, column)))


def initial_names(variables: Mapping[str, Variable]) -> list[tuple[str, Sequence[str]]]:
    """Return the key of each variable with the names that its initialiser refers to."""
    return _rows(
        variables,
        lambda key, raw, _: (key, raw[10][2] if raw[10] is not None else ()),
        lambda key, variable: (key, variable.initialiser.references if variable.initialiser is not None else ()),
    )


def variable_types(variables: Mapping[str, Variable]) -> list[tuple[str, CType]]:
    """Return the key and type of each variable."""
    return _rows(
        variables, lambda key, raw, types: (key, types.decode(raw[4])), lambda key, variable: (key, variable.type)
    )


def typedef_types(typedefs: Mapping[str, Typedef]) -> list[tuple[str, CType]]:
    """Return each type name with the type that it stands for."""
    return _rows(
        typedefs, lambda key, raw, types: (key, types.decode(raw[3])), lambda key, typedef: (key, typedef.type)
    )


def members(records: Mapping[str, Record]) -> list[MemberRow]:
    """Return each member of each record."""
    rows = _rows(
        records,
        lambda key, raw, types: [MemberRow(key, m[0], types.decode(m[1])) for m in raw[6]],
        lambda key, record: [MemberRow(key, m.name, m.type) for m in record.members],
    )
    return [member for row in rows for member in row]


def macro_values(macros: Mapping[str, Macro]) -> list[tuple[str, int | str]]:
    """Return the name and value of each macro."""
    return _rows(macros, lambda _, raw, __: (raw[3], raw[5]), lambda _, macro: (macro.name, macro.value))
