"""The new version's objects: the pieces that they are made of, and which piece every symbol stands for."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import Enum

from patchkit.bundle.compiling import CompiledUnit
from patchkit.bundle.elf import (
    SHF_EXECINSTR,
    SHF_TLS,
    SHF_WRITE,
    SHN_ABS,
    SHN_COMMON,
    SHN_UNDEF,
    SHT_NOBITS,
    SHT_RELA,
    STB_LOCAL,
    STB_WEAK,
    STT_FUNC,
    STT_GNU_IFUNC,
    STT_OBJECT,
    STT_SECTION,
    STT_TLS,
    Elf,
    Relocation,
    Section,
    Symbol,
)
from patchkit.bundle.executable import Executable
from patchkit.bundle.keys import Identity, Sort, base_name, is_clone

_DROPPED = (".init_array", ".fini_array", ".ctors", ".dtors", ".preinit_array", "__patchable_function_entries")


class Home(Enum):
    """Where a piece goes."""

    TEXT = "text"
    RODATA = "rodata"
    DATA = "data"
    BSS = "bss"
    THREAD = "thread-local"


@dataclass(eq=False, slots=True)
class Piece:
    """A section of an object. `variable` is the one variable that fills it, if that is so; `offset` its place in the
    image once it has one.
    """

    unit: str
    section: str
    home: Home
    size: int
    align: int
    content: bytes
    relocations: tuple[Relocation, ...] = ()
    source: "ObjectFile | None" = None
    variable: Identity | None = None
    offset: int = -1


@dataclass(frozen=True, slots=True)
class Definition:
    """What a symbol stands for: a place in a piece, or a plain number where there is no piece."""

    symbol: str
    piece: Piece | None
    value: int
    size: int
    type: int
    identity: Identity | None


@dataclass(eq=False, slots=True)
class ObjectFile:
    """One object. `definitions` and `undefined` go by the index of the symbol."""

    unit: str
    elf: Elf
    pieces: dict[int, Piece] = field(default_factory=dict)
    definitions: dict[int, Definition] = field(default_factory=dict)
    undefined: dict[int, tuple[str, bool]] = field(default_factory=dict)  # name, weak


@dataclass(frozen=True, slots=True)
class Program:
    """All objects of the new version, and what the names that they share stand for."""

    objects: tuple[ObjectFile, ...]
    shared: Mapping[str, Definition]
    constructors: tuple[str, ...]  # units with code that a start would run

    def definition(self, source: ObjectFile, index: int) -> Definition | None:
        """Return what symbol `index` of an object stands for, None where no object defines it."""
        own = source.definitions.get(index)
        if own is not None and (own.piece is None or source.elf.symbols[index].binding == STB_LOCAL):
            return own
        name = source.elf.symbols[index].name
        return self.shared.get(name, own)

    def placed(self, identity: Identity) -> tuple[Piece, int] | None:
        """Return the piece that holds a variable or function, and where in it that is; None where none does."""
        for file in self.objects:
            for each in file.definitions.values():
                if each.identity == identity and each.piece is not None:
                    return each.piece, each.value
        return None

    def mentioned(self, function: Definition) -> Iterator[Identity]:
        """Yield what a function refers to."""
        piece = function.piece
        assert piece is not None
        assert piece.source is not None
        for row in piece.relocations:
            if not function.value <= row.offset < function.value + max(function.size, 1):
                continue
            definition = self.definition(piece.source, row.symbol)
            symbol = piece.source.elf.symbols[row.symbol]
            if definition is not None and definition.identity is not None:
                yield definition.identity
            elif symbol.type == STT_SECTION and symbol.section in piece.source.pieces:
                target = piece.source.pieces[symbol.section]
                identity = target.variable or function_at_start(target)
                if identity is not None:
                    yield identity


def function_at_start(piece: Piece) -> Identity | None:
    """Return the function that begins where a piece does, None where none does."""
    assert piece.source is not None
    found = [d for d in piece.source.definitions.values() if d.piece is piece and d.value == 0 and d.type == STT_FUNC]
    return next((d.identity for d in found if not is_clone(d.symbol)), None)


def read_objects(units: Sequence[CompiledUnit], executable: Executable) -> Program:
    """Read the objects of the program that was linked as `executable`."""
    objects = [_read(unit, executable) for unit in units]
    shared: dict[str, Definition] = {}
    strength: dict[str, int] = {}
    for each in objects:
        for index, definition in each.definitions.items():
            symbol = each.elf.symbols[index]
            if symbol.binding == STB_LOCAL:
                continue
            strong = 0 if symbol.section == SHN_COMMON else 1 if symbol.binding == STB_WEAK else 2
            if strong > strength.get(symbol.name, -1):
                strength[symbol.name], shared[symbol.name] = strong, definition
    constructors = tuple(
        each.unit for each in objects if any(s.name.startswith(_DROPPED[0]) for s in each.elf.sections)
    )
    return Program(tuple(objects), shared, constructors)


def _read(unit: CompiledUnit, executable: Executable) -> ObjectFile:
    result = ObjectFile(unit.unit, unit.elf)
    tables = {section.info: section for section in unit.elf.sections if section.type == SHT_RELA}
    for section in unit.elf.sections:
        home = _home(section)
        if home is None:
            continue
        rows = unit.elf.relocations(tables[section.index]) if section.index in tables else ()
        content = b"" if section.type == SHT_NOBITS else unit.elf.content(section)
        result.pieces[section.index] = Piece(
            unit.unit, section.name, home, section.size, max(section.align, 1), content, rows, result
        )
    external = frozenset(symbol.name for symbol in unit.elf.symbols[1:] if symbol.binding != STB_LOCAL)
    for symbol in unit.elf.symbols[1:]:
        _define(result, symbol, executable, external)
    _find_variables(result)
    return result


def _home(section: Section) -> Home | None:
    if not section.allocated or section.name.startswith((".note", *_DROPPED)):
        return None
    if section.flags & SHF_TLS:
        return Home.THREAD
    if section.flags & SHF_EXECINSTR:
        return Home.TEXT
    if not section.flags & SHF_WRITE or section.name.startswith(".data.rel.ro"):
        return Home.RODATA
    return Home.BSS if section.type == SHT_NOBITS else Home.DATA


def _define(result: ObjectFile, symbol: Symbol, executable: Executable, external: frozenset[str]) -> None:
    if symbol.section == SHN_UNDEF:
        result.undefined[symbol.index] = (symbol.name, symbol.binding == STB_WEAK)
        return
    # A part of an external function, or a copy, is a local symbol.
    own = symbol.binding == STB_LOCAL and not (is_clone(symbol.name) and base_name(symbol.name) in external)
    identity = _identity(symbol, result.unit if own else "", executable)
    piece: Piece | None = None
    value = symbol.value
    if symbol.section == SHN_COMMON:
        piece, value = Piece(result.unit, "COMMON", Home.BSS, symbol.size, symbol.value, b"", (), result, identity), 0
        result.pieces[-symbol.index] = piece
    elif symbol.section != SHN_ABS:
        piece = result.pieces.get(symbol.section)
        if piece is None:
            return
    result.definitions[symbol.index] = Definition(symbol.name, piece, value, symbol.size, symbol.type, identity)


def _identity(symbol: Symbol, own: str, executable: Executable) -> Identity | None:
    if symbol.type in (STT_FUNC, STT_GNU_IFUNC):
        return Identity(Sort.FUNCTION, base_name(symbol.name), own)
    if symbol.type in (STT_OBJECT, STT_TLS) or symbol.section == SHN_COMMON:
        return executable.by_symbol.get((own, symbol.name), Identity(Sort.VARIABLE, symbol.name, own))
    return None


def _find_variables(result: ObjectFile) -> None:
    """A piece that one variable fills is that variable's; with -fdata-sections that is the rule."""
    filled: dict[int, list[Definition]] = {}
    for definition in result.definitions.values():
        if definition.type in (STT_OBJECT, STT_TLS) and definition.piece is not None:
            filled.setdefault(id(definition.piece), []).append(definition)
    for definitions in filled.values():
        first = definitions[0]
        if first.piece is not None and all(d.value == 0 and d.size == first.piece.size for d in definitions):
            first.piece.variable = min(d.identity for d in definitions if d.identity is not None)
    _find_initialisers(result)


def _find_initialisers(result: ObjectFile) -> None:
    """Data without a symbol is what gcc copies into arrays on the stack: constant, though not where constants are.

    What it copies from goes to .data where it holds addresses (SECCAT_DATA of gcc's varasm.c); every variable has a
    symbol and, with -fdata-sections, a section of its own.
    """
    named = {id(definition.piece) for definition in result.definitions.values() if definition.type != STT_SECTION}
    for piece in result.pieces.values():
        if piece.home is Home.DATA and piece.section == ".data" and id(piece) not in named:
            piece.home = Home.RODATA


def code_digest(program: Program, units: Set[str]) -> int:
    """Return a number that is the same for the same code of `units`, never 0."""
    digest = hashlib.blake2b(digest_size=8)
    for each in program.objects:
        for piece in each.pieces.values():
            if piece.home is Home.TEXT and each.unit in units:
                digest.update(f"{each.unit}\0{piece.section}\0{piece.size}\0".encode("utf-8", "surrogateescape"))
                digest.update(piece.content)
    return int.from_bytes(digest.digest(), "little") | 1


def is_section_symbol(symbol: Symbol) -> bool:
    """Whether the symbol stands for a section as a whole."""
    return symbol.type == STT_SECTION


def functions_of(objects: Iterable[ObjectFile]) -> list[Definition]:
    """Return every function that the objects define, parts and copies included."""
    return [d for each in objects for d in each.definitions.values() if d.type == STT_FUNC and d.piece is not None]
