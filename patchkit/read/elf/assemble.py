"""From what each unit says to what the program is: merged, limited to what belongs to it, with fingerprints."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from patchkit.model.ctype import Array, CType, Function as FunctionType, Named, Pointer, Qualified, Vector
from patchkit.model.fingerprint import with_fingerprint
from patchkit.model.program import Enum, Function, Record, Typedef, Variable
from patchkit.read.elf.collect import Facts
from patchkit.read.elf.paths import is_system
from patchkit.read.elf.types import Definition
from patchkit.read.elf.variants import content_of

_Object = TypeVar("_Object", Variable, Function)
_Entity = TypeVar("_Entity", Variable, Function, Record, Enum, Typedef)


def merge_definitions(facts: Sequence[Facts]) -> dict[str, Definition]:
    """Return one definition per key: where units differ in what it points to, as most units have it."""
    groups: dict[str, list[Definition]] = {}
    for each in facts:
        for _, definition in each.definitions:
            groups.setdefault(definition.key, []).append(definition)
    return {key: _usual(group) for key, group in groups.items()}


def _usual(group: Sequence[Definition]) -> Definition:
    first = group[0]
    if all(each is first for each in group):
        return first
    counts = Counter(content_of(each) for each in group)
    return min(group, key=lambda each: (-counts[content_of(each)], each.coord))


def merge_objects(found: Iterable[_Object]) -> dict[str, _Object]:
    """Return variables or functions by key, each with the units that hold it.

    Where a file was compiled more than once in different ways, the instance of most units keeps the key and each other
    one gets `@` and its unit.
    """
    groups: dict[str, list[_Object]] = {}
    for each in found:
        groups.setdefault(each.key, []).append(each)
    merged: dict[str, _Object] = {}
    for key, group in groups.items():
        kinds: dict[object, list[_Object]] = {}
        for each in group:
            kinds.setdefault(id(each.type), []).append(each)
        ordered = sorted(kinds.values(), key=lambda kind: (-len(kind), kind[0].units))
        if ordered[0][0].name == key:
            ordered = [group]  # an external name means one thing, whatever its units were told
        for number, kind in enumerate(ordered):
            units = tuple(sorted({unit for each in kind for unit in each.units}))
            name = f"{key}@{units[0]}" if number else key
            one = replace(kind[0], key=name, units=units)
            merged[name] = _united(one, kind)
    return merged


def _united(one: _Object, kind: Sequence[_Object]) -> _Object:
    """Return `one` with what only some units say of it."""
    if isinstance(one, Function):
        return replace(one, inline=any(isinstance(each, Function) and each.inline for each in kind))
    # Link-time optimisation says in a unit of its own where a variable is.
    return replace(one, thread_local=any(isinstance(each, Variable) and each.thread_local for each in kind))


def belonging(
    definitions: Mapping[str, Definition], variables: Iterable[Variable], functions: Iterable[Function]
) -> list[Definition]:
    """Return the definitions that variables and functions reach, and those that the program's own files make."""
    wanted = {key for key, definition in definitions.items() if not is_system(definition.coord.file)}
    seen: set[int] = set()
    waiting: list[CType] = [each.type for each in variables]
    waiting += [each.type for each in functions]
    for key in wanted:
        waiting.extend(_parts(definitions[key]))
    while waiting:
        ctype = waiting.pop()
        if id(ctype) in seen:
            continue
        seen.add(id(ctype))
        if isinstance(ctype, Named):
            definition = definitions.get(ctype.key)
            if definition is not None and ctype.key not in wanted:
                wanted.add(ctype.key)
                waiting.extend(_parts(definition))
        else:
            waiting.extend(_inner(ctype))
    return [definitions[key] for key in sorted(wanted)]


def _parts(definition: Definition) -> Iterator[CType]:
    match definition:
        case Record():
            for member in definition.members:
                yield member.type
        case Typedef():
            yield definition.type
        case Enum():
            return


def _inner(ctype: CType) -> Iterator[CType]:
    match ctype:
        case Pointer(inner) | Qualified(_, inner) | Array(inner) | Vector(inner):
            yield inner
        case FunctionType(result, parameters):
            yield result
            yield from parameters
        case _:
            return


def by_key(entities: Iterable[_Entity]) -> dict[str, _Entity]:
    """Return entities with their fingerprints, sorted by key."""
    return {each.key: with_fingerprint(each) for each in sorted(entities, key=lambda each: each.key)}
