"""Everything a version declares, each thing once, and the questions to the compiler that it raises."""

import re
from collections.abc import Container, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from patchkit.model.program import Coord, Gap
from patchkit.model.typecode import TypeCode
from patchkit.read.source.answers import Answers
from patchkit.read.source.bounds import designator, elements, is_plain, string_size
from patchkit.read.source.constants import Constant, Expander, function_macros, object_macros
from patchkit.read.source.fragment import Fragment, RawEnum, RawRecord, RawVariable
from patchkit.read.source.frontend import Frontend
from patchkit.read.source.layout import Surveyor
from patchkit.read.source.scope import (
    ReadUnit,
    UnitClass,
    defined_keys,
    distinct_segments,
    named_keys,
    prefer_used,
    references,
    sort_into_classes,
)
from patchkit.read.source.split import Segment

_WITHOUT_PARAMETERS = re.compile(r"([A-Za-z_$][\w$]*)\s*\(\s*\)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a declaration stands: class of units, declaration number, segment and line."""

    scope: int
    number: int
    segment: Segment
    line: int

    @property
    def file(self) -> str:
        """The file."""
        return self.segment.file

    @property
    def system(self) -> bool:
        """Whether that is a system header."""
        return self.segment.system

    @property
    def coord(self) -> Coord:
        """The place as a coordinate."""
        return Coord(self.file, self.line)


@dataclass(slots=True)
class Inventory:
    """All that a version declares, each thing once, before numbers are known."""

    frontend: Frontend
    units: Sequence[ReadUnit]
    classes: list[UnitClass]
    answers: Answers
    types: dict[str, Place] = field(default_factory=dict)  # by the program's key
    plain: dict[str, str] = field(default_factory=dict)  # the program's key → key in its class
    variables: list[tuple[Place, RawVariable, str]] = field(default_factory=list)  # third: function of a static local
    functions: list[Place] = field(default_factory=list)
    constants: list[Constant] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    _homes: dict[tuple[int, int], ReadUnit] = field(default_factory=dict)  # (class, segment) → a unit that has it
    _holders: dict[int, tuple[str, ...]] = field(default_factory=dict)  # segment → sources that have it

    def fragment(self, place: Place) -> Fragment:
        """Return what the declaration at `place` declares."""
        return self.frontend.fragments[place.number]

    def home(self, place: Place) -> ReadUnit:
        """Return a unit that has the declaration at `place`."""
        if not self._homes:
            for scope, unit_class in enumerate(self.classes):
                for unit in unit_class.units:
                    for segment in unit.segments:
                        self._homes.setdefault((scope, id(segment)), unit)
        return self._homes[place.scope, id(place.segment)]

    def declared_static(self, place: Place, name: str) -> bool:
        """Whether a prototype in the same unit makes the function `name` static (C11 6.2.2p5)."""
        return self._holds(place, self.frontend.static_prototypes.get(name, frozenset()))

    def declared_prototype(self, place: Place, name: str) -> bool:
        """Whether the same unit declares the parameters of the function `name` (C11 6.2.7p3: types are composed)."""
        declarations = self.frontend.declarations
        numbers = self.frontend.prototypes.get(name, set())
        known = {n for n in numbers if name not in _WITHOUT_PARAMETERS.findall(declarations[n].head)}
        return self._holds(place, known)

    def _holds(self, place: Place, numbers: Set[int]) -> bool:
        """Whether the unit of `place` has one of these declarations."""
        return bool(numbers) and any(n in numbers for segment in self.home(place).segments for n, _ in segment.items)

    def holders(self, place: Place) -> tuple[str, ...]:
        """Return the sources of all units that have the declaration at `place`."""
        if not self._holders:
            found: dict[int, dict[str, None]] = {}
            for unit in self.units:
                for segment in unit.segments:
                    found.setdefault(id(segment), {})[unit.source] = None
            self._holders = {key: tuple(sorted(sources)) for key, sources in found.items()}
        return self._holders.get(id(place.segment), ())


def take_inventory(frontend: Frontend, units: Sequence[ReadUnit], answers: Answers) -> Inventory:
    """List everything that `units`, whose declarations are parsed, declare; `answers` to what it asks may be known."""
    classes = sort_into_classes(units, frontend.fragments)
    inventory = Inventory(frontend, units, classes, answers)
    _list_types(inventory)
    _list_objects(inventory)
    if any(unit_class.renamed for unit_class in classes):
        files = {key: place.file for key, place in inventory.types.items()}
        if prefer_used(classes, set(wanted_types(inventory)), frontend.fragments, files):
            _list_types(inventory)
    return inventory


def _list_types(inventory: Inventory) -> None:
    inventory.types.clear()
    inventory.plain.clear()
    fragments = inventory.frontend.fragments
    keys: dict[int, list[tuple[int, int, str]]] = {}  # segment → (declaration, line, key) of its types
    for scope, unit_class in enumerate(inventory.classes):
        renamed, types = unit_class.renamed, inventory.types
        for segment in unit_class.segments():
            defined = keys.get(id(segment))
            if defined is None:
                items = [(number, line) for number, line in segment.items if number in fragments]
                defined = [(number, line, plain) for number, line in items for plain in defined_keys(fragments[number])]
                keys[id(segment)] = defined
            for number, line, plain in defined:
                key = renamed.get(plain, plain)
                if key not in types or (not segment.system and types[key].system):
                    types[key] = Place(scope, number, segment, line)
                    inventory.plain[key] = plain


def _list_objects(inventory: Inventory) -> None:
    fragments = inventory.frontend.fragments
    objects: dict[int, list[tuple[int, int, Fragment]]] = {}  # segment → what else it declares
    for scope, unit_class in enumerate(inventory.classes):
        for segment in unit_class.segments():
            found = objects.get(id(segment))
            if found is None:
                items = [(number, line, fragments[number]) for number, line in segment.items if number in fragments]
                found = objects[id(segment)] = [item for item in items if _has_objects(item[2])]
            for number, line, fragment in found:
                _list_declaration(inventory, Place(scope, number, segment, line), fragment)


def _has_objects(fragment: Fragment) -> bool:
    return bool(fragment.variables or fragment.problem or fragment.body is not None)


def _list_declaration(inventory: Inventory, place: Place, fragment: Fragment) -> None:
    problem = fragment.problem or (fragment.body.problem if fragment.body is not None else "")
    if problem and not place.system:
        begin = " ".join(inventory.frontend.declarations[place.number].head.split())[:70]
        inventory.gaps.append(Gap(place.coord, f"a declaration cannot be read: {begin!r}: {problem}"))
    for variable in fragment.variables:  # <syslog.h> and others define some too
        if variable.storage != "extern" or variable.initialiser is not None:
            inventory.variables.append((place, variable, ""))
    if place.system:
        return
    if fragment.body is not None and fragment.functions:
        inventory.functions.append(place)
        name = fragment.functions[0].name
        inventory.variables += [(place, variable, name) for variable in fragment.body.statics]


def wanted_types(inventory: Inventory) -> list[str]:
    """Return the keys of the program's own types and of all that these, its variables and functions can reach."""
    classes, types = inventory.classes, inventory.types
    mentioned: list[set[str]] = [set() for _ in classes]
    for place, variable, _ in inventory.variables:
        mentioned[place.scope].update(named_keys(variable.type))
    for place in inventory.functions:
        mentioned[place.scope].update(named_keys(inventory.fragment(place).functions[0].type))
    waiting = [key for key, place in types.items() if not place.system]
    for unit_class, keys in zip(classes, mentioned, strict=True):
        waiting += [unit_class.key(key) for key in keys]
    found: set[str] = set()
    while waiting:
        key = waiting.pop()
        if key in found or key not in types:
            continue
        found.add(key)
        place = types[key]
        unit_class = classes[place.scope]
        waiting += [unit_class.key(k) for k in references(inventory.fragment(place), inventory.plain[key])]
    return sorted(found)


def expressions(code: TypeCode) -> list[str]:
    """Return the constant expressions inside a type that only the compiler can evaluate, from left to right."""
    found: list[str] = []
    waiting = [code]
    while waiting:
        code = waiting.pop()
        if isinstance(code, str):
            continue
        kind = code[0]
        if kind == "*":
            waiting.append(code[1])
        elif kind == "q":
            waiting.append(code[2])
        elif kind == "()":
            waiting += reversed(code[2])
            waiting.append(code[1])
        elif kind in ("[]", "v"):
            if isinstance(code[2], str):
                found.append(code[2])
            waiting.append(code[1])
    return found


def survey(
    inventory: Inventory,
    wanted: Iterable[str],
    *,
    only: Container[tuple[object, ...]] | None = None,
    variables: Mapping[int, Mapping[str, str]] | None = None,
) -> Surveyor:
    """Collect the questions for every number that the wanted types and all variables need, or for those of `only`.

    `only` are keys of `Measures.refused`, `variables` declarations as in `Preambles`.
    """
    surveyor = Surveyor(inventory.frontend.fragments, inventory.answers, variables)
    asked: set[tuple[object, ...]] = set()

    def due(what: str, place: Place, *more: str) -> bool:
        tag = (what, place.scope, place.number, *more)
        return only is None or tag in only

    def ask_constants(place: Place, code: TypeCode, more: Iterable[str] = ()) -> None:
        for expression in (*expressions(code), *more):
            tag = ("constant", place.scope, place.number, expression)
            if tag not in asked and due("constant", place, expression):
                asked.add(tag)
                surveyor.constant(place.scope, inventory.home(place), place.number, expression)

    for key in wanted:
        place, plain = inventory.types[key], inventory.plain[key]
        home = inventory.home(place)
        match definition(inventory.fragment(place), plain):
            case RawRecord() as record:
                if due("record", place):
                    surveyor.record(place.scope, home, place.number, record)
                for member in record.members:
                    ask_constants(place, member.type)
            case RawEnum() as enum:
                if due("enum", place):
                    surveyor.enum(place.scope, home, place.number, enum)
            case code if code is not None:
                ask_constants(place, code)
            case _:
                continue
    for place, variable, _ in inventory.variables:
        ask_constants(place, variable.type, bound_expressions(variable))
    for place in inventory.functions:
        ask_constants(place, inventory.fragment(place).functions[0].type)
    if inventory.units and only is None:
        surveyor.primitives(inventory.units[0], _primitives(inventory))
    return surveyor


def definition(fragment: Fragment, plain: str) -> RawRecord | RawEnum | TypeCode | None:
    """Return how `fragment` defines the type of key `plain`; a typedef is its type code."""
    for record in fragment.records:
        if record.key == plain:
            return record
    for enum in fragment.enums:
        if enum.key == plain:
            return enum
    for name, code in fragment.typedefs:
        if name == plain:
            return code
    return None


def bound_expressions(variable: RawVariable) -> list[str]:
    """Return the expressions whose values tell how long an array of open bound is."""
    code = variable.type
    if not (isinstance(code, list) and code[0] == "[]" and code[2] is None and variable.initialiser):
        return []
    if text := string_size(code[1], variable.initialiser):
        return [text]
    return [index for element in elements(variable.initialiser) or () if (index := designator(element)) is not None]


def open_bound(variable: RawVariable, element: TypeCode, constants: Mapping[str, int]) -> int | None:
    """Return the length that the initialiser of an array of open bound gives it, None where it cannot be told.

    `element` is the type of its elements without typedefs.
    """
    code = variable.type
    if not (isinstance(code, list) and variable.initialiser):
        return None
    if text := string_size(code[1], variable.initialiser):
        return constants.get(text)
    parts = elements(variable.initialiser)
    if parts is None:
        return None
    length = position = 0
    for part in parts:
        if not is_plain(element, part):
            return None
        if (index := designator(part)) is not None:
            if index not in constants:
                return None
            position = constants[index]
        position += 1
        length = max(length, position)
    return length


def _primitives(inventory: Inventory) -> list[str]:
    found = {"*", "int", "char", "__builtin_va_list"}

    def visit(code: TypeCode) -> None:
        if isinstance(code, str):
            if code != "void":
                found.add(code)
        elif code[0] in ("[]", "v"):
            visit(code[1])
        elif code[0] == "q":
            visit(code[2])

    for _, variable, _ in inventory.variables:
        visit(variable.type)
    for fragment in inventory.frontend.fragments.values():
        for _, code in fragment.typedefs:
            visit(code)
    return sorted(found)


def list_constants(inventory: Inventory) -> tuple[list[Constant], dict[str, ReadUnit]]:
    """Return the macros that may be constants under the keys of the program, and a unit that defines each."""
    segments = distinct_segments(inventory.units)
    homes = {segment.file: unit for unit in inventory.units for segment in unit.segments}
    everywhere = object_macros(segments)
    own = object_macros(s for s in segments if not s.system and s.file != "<built-in>")
    names = {
        name for fragment in inventory.frontend.fragments.values() for enum in fragment.enums for name in enum.constants
    }
    names |= {name for fragment in inventory.frontend.fragments.values() for name, _ in fragment.typedefs}
    names |= {key.split(" ", 1)[1] for key in inventory.types if " " in key}
    expander = Expander(everywhere, function_macros(segments), names)
    found, units = [], {}
    for name, texts in own.items():
        for rank, (text, (file, line)) in enumerate(sorted(texts.items(), key=lambda item: item[1])):
            constant = expander.constant(name, text, Coord(file, line))
            if constant is not None:
                key = name if rank == 0 else f"{name}@{file}"
                found.append(replace(constant, name=key))
                units[key] = homes[file]
    return found, units
