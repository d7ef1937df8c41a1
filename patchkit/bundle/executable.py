"""A linked program as its symbols and debug information show it: who is where, and which code mentions whom."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from patchkit.bundle.elf import (
    PT_TLS,
    SHF_EXECINSTR,
    SHF_WRITE,
    SHN_LORESERVE,
    SHN_UNDEF,
    STB_LOCAL,
    STT_FILE,
    STT_FUNC,
    STT_GNU_IFUNC,
    STT_NOTYPE,
    STT_OBJECT,
    STT_TLS,
    Elf,
    Symbol,
    read_elf_file,
)
from patchkit.bundle.keys import Identity, Sort, base_name, is_clone
from patchkit.bundle.payload import FunctionRow, Kind
from patchkit.errors import InputError
from patchkit.read.elf.places import Place, Places, read_places

_RELRO = (".data.rel.ro",)


@dataclass(frozen=True, slots=True)
class Thing:
    """A function or variable of an executable. `place` is its address as linked; for a thread-local one, its offset
    from the thread pointer. `size` in bytes.
    """

    identity: Identity
    symbol: str
    place: int
    size: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class Stretch:
    """Code that a symbol covers; a part that was split off has the identity of the function it came from."""

    identity: Identity
    symbol: str
    place: int
    size: int


@dataclass(frozen=True, slots=True)
class Executable:
    """A program. `things` go by identity, `stretches` are sorted by place."""

    elf: Elf
    things: Mapping[Identity, Thing]
    stretches: tuple[Stretch, ...]
    by_symbol: Mapping[tuple[str, str], Identity]  # (unit, symbol); the unit is empty for what is external
    ambiguous: tuple[Identity, ...]  # what two symbols claim to be

    def stretch_at(self, place: int) -> Stretch | None:
        """Return the code that holds `place`."""
        index = bisect_right(self.stretches, place, key=lambda each: each.place) - 1
        found = self.stretches[index] if index >= 0 else None
        return found if found is not None and place < found.place + max(found.size, 1) else None


def read_executable(path: Path, root: str) -> Executable:
    """Read the program at `path`, whose sources lie below `root`. Raises InputError for one that is stripped."""
    elf = read_elf_file(path)
    if not elf.symbols:
        raise InputError(
            f"{path} is stripped, so nothing in it can be paired (PKB807)",
            hint="record the build again; what was recorded before it was stripped serves as well",
        )
    if not elf.build_id:
        raise InputError(
            f"{path} has no build-id, by which a process is known (PKB801)",
            hint="link it with -Wl,--build-id (gcc's default on most systems) and record the build again",
        )
    return _Reader(elf, read_places(path, root)).executable()


class _Reader:
    """One pass over the symbol table."""

    def __init__(self, elf: Elf, places: Places) -> None:
        self.elf = elf
        self.places = places
        self.things: dict[Identity, Thing] = {}
        self.stretches: list[Stretch] = []
        self.by_symbol: dict[tuple[str, str], Identity] = {}
        self.ambiguous: list[Identity] = []
        self.thread_block = _thread_block(elf)

    def executable(self) -> Executable:
        rows = [row for row in self._rows() if row[1].name]
        units = self._units(rows)
        for group, symbol in rows:
            # What is hidden is external to its unit. GNU ld makes it local, behind a source without a name.
            own = symbol.binding == STB_LOCAL and not symbol.hidden and group[1] != ""
            self._take(symbol, units.get(group, group[1]) if own else "")
        stretches = tuple(sorted(map(self._with_origin, self.stretches), key=lambda s: (s.place, -s.size, s.symbol)))
        return Executable(self.elf, self.things, stretches, self.by_symbol, tuple(self.ambiguous))

    def _with_origin(self, stretch: Stretch) -> Stretch:
        """A part of an external function, or a copy, is a local symbol."""
        external = Identity(stretch.identity.sort, stretch.identity.name)
        if stretch.identity in self.things or external not in self.things:
            return stretch
        return replace(stretch, identity=external)

    def _rows(self) -> Iterable[tuple[tuple[int, str], Symbol]]:
        """The symbols with the group of local ones that each belongs to: its number and its source's base name."""
        group = (0, "")
        for symbol in self.elf.symbols:
            if symbol.type == STT_FILE:
                group = (symbol.index, symbol.name)
            elif symbol.section != SHN_UNDEF:
                yield group, symbol

    def _units(self, rows: Iterable[tuple[tuple[int, str], Symbol]]) -> dict[tuple[int, str], str]:
        """The source of each group: what debug information says of any symbol in it."""
        found: dict[tuple[int, str], str] = {}
        for group, symbol in rows:
            if symbol.binding == STB_LOCAL and group not in found:
                place = self.places.functions.get(symbol.value) or self.places.variables.get(symbol.value)
                if place is not None and place.name == base_name(symbol.name).partition(".")[0]:
                    found[group] = place.unit
        return found

    def _take(self, symbol: Symbol, unit: str) -> None:
        if symbol.type in (STT_FUNC, STT_GNU_IFUNC):
            identity = Identity(Sort.FUNCTION, base_name(symbol.name), unit)
            self.stretches.append(Stretch(identity, symbol.name, symbol.value, symbol.size))
            if is_clone(symbol.name):
                return
            kind = Kind.FUNCTION
        elif symbol.type in (STT_OBJECT, STT_TLS) or (symbol.type == STT_NOTYPE and symbol.name == "__dso_handle"):
            identity = self._variable(symbol, unit)
            kind = self._kind(symbol)
        else:
            return
        place = symbol.value - self.thread_block if symbol.type == STT_TLS else symbol.value
        known = self.things.get(identity)
        if known is not None and known.place != place:
            self.ambiguous.append(identity)
        self.things[identity] = Thing(identity, symbol.name, place, symbol.size, kind)
        self.by_symbol[unit, symbol.name] = identity

    def _variable(self, symbol: Symbol, unit: str) -> Identity:
        place: Place | None = self.places.variables.get(symbol.value) if symbol.type != STT_TLS else None
        if symbol.binding == STB_LOCAL and place is not None and place.function:
            return Identity(Sort.VARIABLE, place.name, unit, place.function, place.ordinal)
        return Identity(Sort.VARIABLE, symbol.name, unit)

    def _kind(self, symbol: Symbol) -> Kind:
        if symbol.type == STT_TLS:
            return Kind.TLS
        if symbol.section >= SHN_LORESERVE:
            return Kind.VARIABLE
        section = self.elf.sections[symbol.section]
        constant = not section.flags & SHF_WRITE or section.name.startswith(_RELRO)
        return Kind.CONST if constant and not section.flags & SHF_EXECINSTR else Kind.VARIABLE


def _thread_block(elf: Elf) -> int:
    """The size of the thread-local block, at whose end the thread pointer stands (x86-64 ABI, variant 2)."""
    for segment in elf.segments:
        if segment.type == PT_TLS:
            align = max(segment.align, 1)
            return (segment.size + align - 1) // align * align
    return 0


def old_function_rows(old: Executable, mentions: dict[int, set[int]]) -> list[FunctionRow]:
    """Return the rows of the running program's code, with what each mentions by its machine code."""
    by_place: dict[int, Identity] = {}
    for thing in old.things.values():
        if thing.kind is not Kind.TLS:
            by_place.setdefault(thing.place, thing.identity)
    found = []
    for stretch in old.stretches:
        keys = {by_place[place].key for place in mentions.get(stretch.place, ()) if place in by_place}
        others = tuple(sorted(keys - {stretch.identity.key}))
        found.append(FunctionRow(stretch.identity.key, stretch.place, stretch.size, stretch.symbol, others))
    return found
