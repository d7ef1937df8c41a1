"""Where two readers of one build disagree, whatever the readers.

What one of them cannot know by nature is no disagreement: the compiler drops what nothing uses, and debug information
writes an array that a qualified typedef names as the array it is.
"""

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar, assert_never

from deepdiff import DeepDiff

from patchkit.model.ctype import (
    Array,
    CType,
    Function as FunctionType,
    Named,
    Opaque,
    Pointer,
    Primitive,
    Qualified,
    Tag,
    Vector,
    qualify,
    spell,
    unqualified,
)
from patchkit.model.program import Enum, Function, Linkage, Origin, Program, Record, Typedef, Variable

Definition = Record | Enum | Typedef
Plain = dict[str, object]
_Object = TypeVar("_Object", Variable, Function)
_BUILT_IN = "<built-in>"  # what the compiler knows without a declaration has no place in any source
_ROUNDS = 10
_OPTIMISED = re.compile(r"-O([1-9sz]|fast)?$")


def differences(a: Program, b: Program) -> list[str]:
    """Return every disagreement between two programs that were read from the same build, a line each, sorted.

    Compared are variables and functions (which there are, their types and sizes), and of the types that both have or
    that something reaches sizes, members with names, offsets and types, and constants. Types that share a name within
    a program are paired by layout and place.
    """
    left, right = _View(a), _View(b)
    right.renamed = _pairs(left, right)
    lines = [
        *_missing("variable", left.variables, right.variables, _Dropped(a, b)),
        *_missing("variable", right.variables, left.variables, _Dropped(b, a)),
        *_missing("function", left.functions, right.functions, _Dropped(a, b)),
        *_missing("function", right.functions, left.functions, _Dropped(b, a)),
        *_missing_types(left, right),
        *_missing_types(right, left),
    ]
    return sorted([*lines, *_unequal(left.plain(right), right.plain(left))])


@dataclass(slots=True)
class _View:
    """A program under keys that do not depend on its root; `renamed` are keys that are compared under others."""

    program: Program
    renamed: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Variable] = field(init=False)
    functions: dict[str, Function] = field(init=False)
    definitions: dict[str, Definition] = field(init=False)

    def __post_init__(self) -> None:
        program = self.program
        self.variables = {self._name(each): each for each in program.variables.values()}
        self.functions = {self._name(each): each for each in program.functions.values()}
        self.definitions = {**program.records, **program.enums, **program.typedefs}

    def path(self, file: str) -> str:
        """Return where `file` is, whatever the program's root."""
        return posixpath.join(self.program.root, file)

    def _name(self, entity: Variable | Function) -> str:
        if entity.linkage is Linkage.EXTERNAL:
            return entity.name
        rest, at, unit = entity.key.removeprefix(f"{entity.file}:").partition("@")
        return f"{self.path(entity.file)}:{rest}" + (f"@{self.path(unit)}" if at else "")

    def key(self, key: str) -> str:
        """Return the key under which a type is compared."""
        return self.renamed.get(key, key)

    def canonical(self, ctype: CType) -> CType:
        """Return a type in the form that every kind of reader can give it."""
        match ctype:
            case Primitive() | Opaque():
                return ctype
            case Named(tag, key):
                return Named(tag, self.key(key))
            case Pointer(target):
                return Pointer(self.canonical(target))
            case Array(element, length):
                return Array(self.canonical(element), length)
            case Vector(element, size):
                return Vector(self.canonical(element), size)
            case Qualified(qualifiers, target):
                array = self._array(target)
                return qualify(self.canonical(target if array is None else array), *qualifiers)
            case FunctionType(result, parameters, variadic, prototyped):
                listed = tuple(self.canonical(parameter) for parameter in parameters)
                return FunctionType(self.canonical(unqualified(result)), listed, variadic, prototyped)
            case _:
                assert_never(ctype)

    def _array(self, ctype: CType) -> CType | None:
        """Return the array behind a typedef, None where there is none."""
        while isinstance(ctype, Named) and ctype.tag is Tag.TYPEDEF and ctype.key in self.program.typedefs:
            ctype = self.program.typedefs[ctype.key].type
        return ctype if isinstance(ctype, Array) else None

    def reachable(self, other: "_View") -> set[str]:
        """Return the keys, as compared, of the types that those variables and functions reach which both have."""
        waiting: list[CType] = [each.type for name, each in self.variables.items() if name in other.variables]
        waiting += [each.type for name, each in self.functions.items() if name in other.functions]
        found: set[str] = set()
        while waiting:
            for key in _mentioned(waiting.pop()):
                definition = self.definitions.get(key)
                if definition is not None and key not in found and definition.coord.file not in ("", _BUILT_IN):
                    found.add(key)
                    waiting.extend(_held(definition))
        return {self.key(key) for key in found}

    def plain(self, other: "_View") -> Plain:
        """Return as plain values what both programs have."""
        shared = {other.key(key) for key in other.definitions}
        types = {self.key(key): each for key, each in self.definitions.items()}
        return {
            "type": {key: self.plain_type(each) for key, each in types.items() if key in shared},
            "variable": {
                name: {"type": self._spell(each.type), "size": each.size, "thread-local": each.thread_local}
                for name, each in self.variables.items()
                if name in other.variables
            },
            "function": {
                name: {"type": self._spell(each.type), "parameters": ", ".join(each.parameters)}
                for name, each in self.functions.items()
                if name in other.functions
            },
        }

    def plain_type(self, definition: Definition) -> Plain:
        """Return a definition as plain values."""
        match definition:
            case Record():
                members = {
                    f"{number} {member.name}": {
                        "offset": member.offset,
                        "size": member.size,
                        "width": member.width,
                        "type": self._spell(member.type),
                    }
                    for number, member in enumerate(definition.members)
                }
                return {"size": definition.size, "members": members}
            case Enum():
                constants = dict(definition.constants)
                return {"size": definition.size, "signed": definition.signed, "constants": constants}
            case Typedef():
                return {"type": self._spell(definition.type)}
            case _:
                assert_never(definition)

    def _spell(self, ctype: CType) -> str:
        return spell(self.canonical(ctype))


def _mentioned(ctype: CType) -> Iterator[str]:
    match ctype:
        case Named(_, key):
            yield key
        case Pointer(inner) | Array(inner) | Vector(inner) | Qualified(_, inner):
            yield from _mentioned(inner)
        case FunctionType(result, parameters):
            for each in (result, *parameters):
                yield from _mentioned(each)
        case _:
            return


def _held(definition: Definition) -> list[CType]:
    match definition:
        case Record():
            return [member.type for member in definition.members]
        case Typedef():
            return [definition.type]
        case _:
            return []


def _pairs(left: _View, right: _View) -> dict[str, str]:
    """Return the keys of the left for those types of the right that share their name with others."""
    groups: dict[str, tuple[list[Definition], list[Definition]]] = defaultdict(lambda: ([], []))
    for side, view in enumerate((left, right)):
        for definition in view.definitions.values():
            groups[definition.key.split("@", 1)[0]][side].append(definition)
    shared = [group for group in groups.values() if max(map(len, group)) > 1]
    names: dict[str, str] = {}
    for _ in range(_ROUNDS):
        right.renamed = names
        names = {}
        for ours, theirs in shared:
            names |= _pair(left, ours, right, theirs)
        if names == right.renamed:
            break
    return names


def _pair(left: _View, ours: list[Definition], right: _View, theirs: list[Definition]) -> dict[str, str]:
    likeness = {(one.key, other.key): _likeness(left, one, right, other) for one in ours for other in theirs}
    names: dict[str, str] = {}
    for one, other in sorted(likeness, key=lambda pair: (-likeness[pair], pair)):
        if likeness[one, other] and other not in names and one not in names.values():
            names[other] = one
    for each in theirs:
        if each.key not in names and each.key in left.definitions:
            names[each.key] = f"{each.key}@{right.path(each.coord.file)}"
    return names


def _likeness(left: _View, one: Definition, right: _View, other: Definition) -> int:
    place = left.path(one.coord.file) == right.path(other.coord.file)
    line = place and one.coord.line == other.coord.line
    same = left.plain_type(one) == right.plain_type(other)  # as far as what they refer to is paired already
    return 8 * (_shape(one) == _shape(other)) + 4 * same + 2 * place + line


def _shape(definition: Definition) -> object:
    match definition:
        case Record():
            return definition.size, tuple((each.name, each.offset) for each in definition.members)
        case Enum():
            return definition.constants
        case Typedef():
            return re.sub(r"@[^ ]*", "", spell(definition.type))
        case _:
            assert_never(definition)


class _Dropped:
    """What the compiler may have left out of one program that the other has."""

    def __init__(self, having: Program, lacking: Program) -> None:
        self._compiled = lacking.origin is Origin.ELF and having.origin is not Origin.ELF
        self._only_compiled = having.origin is Origin.ELF and lacking.origin is not Origin.ELF
        self._optimised = any(_OPTIMISED.match(flag) for unit in lacking.units for flag in unit.flags)
        self._used = _used(having) if self._compiled else set()

    def covers(self, entity: Variable | Function) -> bool:
        """Whether the absence of `entity` says nothing."""
        if isinstance(entity, Variable) and entity.linkage is Linkage.LOCAL:
            # gcc gives a constant array that is a function's own a place among the static ones.
            constant = self._only_compiled and "const" in spell(entity.type)
            return constant or (self._compiled and (self._optimised or self._is_unused(entity)))
        if entity.linkage is Linkage.EXTERNAL:
            return self._compiled and isinstance(entity, Function) and entity.inline
        return self._compiled and entity.key not in self._used

    def _is_unused(self, variable: Variable) -> bool:
        return variable.function not in {key.rsplit(":", 1)[-1] for key in self._used}


def _used(program: Program) -> set[str]:
    """Return the keys of what external functions and variables use, directly or not."""
    by_name: dict[str, list[Variable | Function]] = defaultdict(list)
    everything: list[Variable | Function] = [*program.variables.values(), *program.functions.values()]
    for each in everything:
        by_name[each.name].append(each)
    waiting = [each for found in by_name.values() for each in found if each.linkage is Linkage.EXTERNAL]
    used: set[str] = set()
    while waiting:
        entity = waiting.pop()
        if entity.key in used:
            continue
        used.add(entity.key)
        for name in _references(entity):
            for each in by_name.get(name, ()):
                if each.linkage is Linkage.EXTERNAL or not set(each.units).isdisjoint(entity.units):
                    waiting.append(each)
    return used


def _references(entity: Variable | Function) -> tuple[str, ...]:
    if isinstance(entity, Function):
        return entity.references
    return entity.initialiser.references if entity.initialiser is not None else ()


def _missing(what: str, here: Mapping[str, _Object], there: Mapping[str, _Object], dropped: _Dropped) -> Iterator[str]:
    for name, entity in here.items():
        if name not in there and not dropped.covers(entity):
            yield f"{what} {name} of {entity.coord}: missing in one"


def _missing_types(here: _View, there: _View) -> Iterator[str]:
    known = {there.key(key) for key in there.definitions}
    for key in sorted(here.reachable(there) - known):
        yield f"type {key}: only in {here.program.origin}"


def _unequal(left: Plain, right: Plain) -> Iterator[str]:
    found = DeepDiff(left, right, view="tree", threshold_to_diff_deeper=0)
    for kind, changes in found.items():
        for change in changes:
            subject, key, *rest = (str(part) for part in change.path(output_format="list"))
            where = ", ".join([f"{subject} {key}", *rest])
            match kind:
                case "dictionary_item_added":
                    yield f"{where}: only in the second"
                case "dictionary_item_removed":
                    yield f"{where}: only in the first"
                case _:
                    yield f"{where}: {change.t1!r} and {change.t2!r}"
