"""What one unit says of the program: definitions, variables and functions, under keys that are not yet told apart."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from patchkit.model.program import Coord, Function, Linkage, Variable
from patchkit.read.elf import dwarf
from patchkit.read.elf.enclosing import function_around
from patchkit.read.elf.failure import Malformed
from patchkit.read.elf.forest import Forest
from patchkit.read.elf.intern import Interner
from patchkit.read.elf.lines import read_files, source_path
from patchkit.read.elf.location import storage
from patchkit.read.elf.paths import is_system, relative
from patchkit.read.elf.types import Definition, Types
from patchkit.read.elf.unit import Entry, Unit

LINK_TIME = "<artificial>"  # the unit in which gcc says where link-time optimisation left what other units define
_FUNCTION_NAMES = frozenset({"__func__", "__FUNCTION__", "__PRETTY_FUNCTION__"})  # no state: C11 6.4.2.2
_MOST_ORIGINS = 8  # steps from an entry to the one that names it


@dataclass(slots=True)
class Facts:
    """What was read of a unit.

    `sources` are those that it was read for: its own, or of those units that share it. `definitions` come with the
    global offset of their entry; `nameless` are the offsets of those that C has no name for, True where anything in the
    unit refers to them, and `by_typedef` those among them that a typedef names.
    """

    sources: tuple[str, ...]
    definitions: list[tuple[int, Definition]] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    nameless: dict[int, bool] = field(default_factory=dict)
    by_typedef: set[int] = field(default_factory=set)


class Collector:
    """Reads units into `Facts`.

    `root` is what paths are shown relative to, `final` the keys of types that differ from what C calls them; `scalar`
    as in `Types`; `thread_local` names the variables that count as such where their place is not said.
    """

    def __init__(
        self,
        forest: Forest,
        root: str,
        interner: Interner,
        final: Mapping[int, str],
        *,
        scalar: int,
        thread_local: Container[str],
    ) -> None:
        self._forest = forest
        self._thread_local = thread_local
        self._root = root
        self._types = Types(forest.entry, forest.keys, interner, final, scalar)
        self._coords: dict[tuple[str, int], Coord] = {}
        self._shown: dict[str, str] = {}
        self._defined: set[int] = set()
        self._scopes: dict[int, frozenset[int]] = {}
        self._link_time = False

    def read(self, unit: Unit) -> Facts:
        """Return what `unit` says. Raises Malformed and what reading bytes raises."""
        self._forest.enter(unit)
        try:
            facts = Facts(tuple(self._show(source_path(user)) for user in self._forest.users(unit)))
            self._link_time = unit.top().name == LINK_TIME
            self._types.reached.clear()
            top = unit.top()
            for entry in unit.entries[top.offset].children if top.offset in unit.entries else ():
                if entry.tag == dwarf.TAG_VARIABLE:
                    self._variable(entry, facts)
                elif entry.tag == dwarf.TAG_SUBPROGRAM:
                    self._function(entry, facts)
            self._definitions(unit, facts)
            return facts
        finally:
            self._forest.leave(unit)

    def _definitions(self, unit: Unit, facts: Facts) -> None:
        """Every type of file scope, and those of function scope that something refers to."""
        top = unit.top().offset
        waiting = [entry for entry in _outside_functions(unit.entries.get(top)) if self._forest.keys.used(entry)]
        while waiting or self._types.reached:
            entry = waiting.pop() if waiting else self._types.reached.pop()
            if entry.offset in self._defined or (entry.unit is not unit and entry.offset in self._scope(entry.unit)):
                continue  # what is another unit's is said there
            self._defined.add(entry.offset)
            definition = self._types.definition(entry, self._coord(entry))
            if definition is None:
                continue
            facts.definitions.append((entry.offset, definition))
            if dwarf.AT_NAME not in entry.attributes:
                facts.nameless[entry.offset] = self._types.refers_to(entry)
                if self._forest.keys.by_typedef(entry):
                    facts.by_typedef.add(entry.offset)

    def _scope(self, unit: Unit) -> frozenset[int]:
        """The types of file scope in another unit than the one that is read."""
        known = self._scopes.get(unit.offset)
        if known is None:
            found = _outside_functions(unit.entries.get(unit.first))
            known = self._scopes[unit.offset] = frozenset(entry.offset for entry in found)
        return known

    def _variable(self, entry: Entry, facts: Facts) -> None:
        if entry.has(dwarf.AT_DECLARATION):
            return
        chain = list(self._origins(entry))
        name = chain[-1].name
        if not name:
            return
        coord = self._coord(*chain)
        external = any(each.has(dwarf.AT_EXTERNAL) for each in chain)
        offset = _first_reference(chain, dwarf.AT_TYPE)
        facts.variables.append(
            Variable(
                key=name if external else f"{coord.file}:{name}",
                name=name,
                coord=coord,
                type=self._types.of(offset),
                linkage=Linkage.EXTERNAL if external else Linkage.STATIC,
                size=self._types.size(offset),
                thread_local=self._is_thread_local(entry, name),
                attributes=_attributes(chain),
                units=self._sources(chain[-1], facts),
            )
        )

    def _function(self, entry: Entry, facts: Facts) -> None:
        if entry.has(dwarf.AT_DECLARATION):
            return
        chain = list(self._origins(entry))
        name = chain[-1].name
        coord = self._coord(*chain)
        if "." in name:
            return  # a part of a function that the compiler made a function of
        self._locals(entry, name, facts)
        if not name:
            return
        if dwarf.AT_ABSTRACT_ORIGIN in entry.attributes or is_system(self._full(chain)):
            return
        external = any(each.has(dwarf.AT_EXTERNAL) for each in chain)
        described = next((each for each in chain if each.children), chain[0])
        facts.functions.append(
            Function(
                key=name if external else f"{coord.file}:{name}",
                name=name,
                coord=coord,
                type=self._types.function(_merged(chain, described)),
                linkage=Linkage.EXTERNAL if external else Linkage.STATIC,
                parameters=tuple(each.name for each in described.children if each.tag == dwarf.TAG_PARAMETER),
                inline=any((each.number(dwarf.AT_INLINE) or 0) >= 2 for each in chain),
                attributes=_attributes(chain),
                units=self._sources(chain[-1], facts),
            )
        )

    def _locals(self, function: Entry, name: str, facts: Facts) -> None:
        """The static variables of a function, numbered where one name occurs in several scopes.

        Where the function has no `name`, its place in the file tells which it is.
        """
        found: dict[tuple[str, str], list[tuple[int, int, int, Entry]]] = {}
        for entry in _inside(function):
            if entry.tag == dwarf.TAG_SUBPROGRAM:
                self._nested(entry, name, facts)
            elif storage(entry):
                chain = list(self._origins(entry))
                origin = chain[-1]
                line, column = origin.number(dwarf.AT_DECL_LINE) or 0, origin.number(dwarf.AT_DECL_COLUMN) or 0
                around = name or function_around(origin)
                if origin.name and around and origin.name not in _FUNCTION_NAMES:
                    found.setdefault((around, origin.name), []).append((line, column, origin.offset, entry))
        # What they are called names the function's file; they may stand in another that the function includes.
        home = self._coord(*self._origins(function)).file if found and name else ""
        for (around, _), places in found.items():
            for ordinal, (_, _, _, entry) in enumerate(sorted(places, key=lambda place: place[:3])):
                facts.variables.append(self._local(entry, around, ordinal, facts, home))

    def _local(self, entry: Entry, function: str, ordinal: int, facts: Facts, home: str) -> Variable:
        chain = list(self._origins(entry))
        name, coord, offset = chain[-1].name, self._coord(*chain), _first_reference(chain, dwarf.AT_TYPE)
        return Variable(
            key=f"{home or coord.file}:{function}:{name}" + (f"#{ordinal}" if ordinal else ""),
            name=name,
            coord=coord,
            type=self._types.of(offset),
            linkage=Linkage.LOCAL,
            size=self._types.size(offset),
            thread_local=self._is_thread_local(entry, name),
            function=function,
            ordinal=ordinal,
            attributes=_attributes(chain),
            units=self._sources(chain[-1], facts),
        )

    def _is_thread_local(self, entry: Entry, name: str) -> bool:
        return storage(entry) == "thread" if entry.has(dwarf.AT_LOCATION) else name in self._thread_local

    def _nested(self, entry: Entry, outer: str, facts: Facts) -> None:
        """A function inside a function, which GNU C allows."""
        before = len(facts.functions)
        self._function(entry, facts)
        facts.functions[before:] = [
            replace(function, key=f"{function.coord.file}:{outer}:{function.name}", linkage=Linkage.LOCAL)
            for function in facts.functions[before:]
        ]

    def _origins(self, entry: Entry) -> Iterator[Entry]:
        """The entry, and those that it completes or is a copy of."""
        for _ in range(_MOST_ORIGINS):
            yield entry
            origin = entry.reference(dwarf.AT_SPECIFICATION)
            if origin is None:
                origin = entry.reference(dwarf.AT_ABSTRACT_ORIGIN)
            if origin is None:
                return
            entry = self._forest.original(origin)
        raise Malformed(f"the entry at {entry.offset:#x} is a copy of itself")

    def _sources(self, origin: Entry, facts: Facts) -> tuple[str, ...]:
        return (self._show(source_path(origin.unit)),) if self._link_time else facts.sources

    def _coord(self, *chain: Entry) -> Coord:
        path, line = self._full(chain), next((n for e in chain if (n := e.number(dwarf.AT_DECL_LINE)) is not None), 0)
        coord = self._coords.get((path, line))
        if coord is None:
            coord = self._coords[path, line] = Coord(self._show(path), line)
        return coord

    def _full(self, chain: Sequence[Entry]) -> str:
        for entry in chain:
            index = entry.number(dwarf.AT_DECL_FILE)
            if index is not None:
                files = read_files(entry.unit)
                if index >= len(files):
                    raise Malformed(f"the entry at {entry.offset:#x} is declared in file {index} of {len(files)}")
                return files[index]
        return ""

    def _show(self, path: str) -> str:
        shown = self._shown.get(path)
        if shown is None:
            shown = self._shown[path] = relative(path, self._root)
        return shown


def _outside_functions(top: Entry | None) -> Iterator[Entry]:
    waiting = [top] if top is not None else []
    while waiting:
        for entry in waiting.pop().children:
            if entry.tag in dwarf.DEFINITION_TAGS:
                yield entry
            if entry.children and entry.tag != dwarf.TAG_SUBPROGRAM:
                waiting.append(entry)


def _inside(function: Entry) -> Iterator[Entry]:
    """The variables of a function, those of its blocks included, and the functions directly in it."""
    waiting = [function]
    while waiting:
        for entry in waiting.pop().children:
            if entry.tag in (dwarf.TAG_VARIABLE, dwarf.TAG_SUBPROGRAM):
                yield entry
            elif entry.tag == dwarf.TAG_LEXICAL_BLOCK:
                waiting.append(entry)


def _first_reference(chain: Sequence[Entry], attribute: int) -> int | None:
    return next((found for entry in chain if (found := entry.reference(attribute)) is not None), None)


def _attributes(chain: Sequence[Entry]) -> tuple[str, ...]:
    return ("aligned",) if any(entry.number(dwarf.AT_ALIGNMENT) for entry in chain) else ()


def _merged(chain: Sequence[Entry], described: Entry) -> Entry:
    """Return `described` with the result type and the prototype flag wherever in `chain` they stand."""
    if len(chain) == 1:
        return described
    for entry in chain:
        if dwarf.AT_TYPE in entry.attributes or dwarf.AT_PROTOTYPED in entry.attributes:
            return Entry(entry.unit, entry.offset, entry.abbrev, entry.attributes, described.children)
    return described
