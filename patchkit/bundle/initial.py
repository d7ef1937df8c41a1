"""What variables of the running program hold at its start, with pointers told by whom they point at."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from patchkit.bundle.elf import STT_SECTION, Relocation, Symbol
from patchkit.bundle.executable import Executable, Thing
from patchkit.bundle.keys import Identity
from patchkit.bundle.objects import Definition, ObjectFile, Piece, Program
from patchkit.bundle.payload import Kind

R_64, R_RELATIVE = 1, 8
_LONGEST_TEXT = 1 << 16


@dataclass(frozen=True, slots=True)
class Pointer:
    """A word of 8 bytes at `offset` of a variable that holds an address: `thing` plus `addend`, or nothing that has a
    name, such as a string literal.
    """

    offset: int
    thing: Thing | None
    addend: int


class Initial:
    """The initial content of an executable's variables."""

    def __init__(self, executable: Executable) -> None:
        self.executable = executable
        self._things = sorted(
            (thing for thing in executable.things.values() if thing.kind is not Kind.TLS),
            key=lambda thing: (thing.place, thing.size),
        )
        self._rows = sorted(executable.elf.dynamic_relocations(), key=lambda row: row.offset)

    def content(self, thing: Thing) -> bytes:
        """Return the bytes that `thing` has in the file; pointers in them mean nothing."""
        return self.executable.elf.bytes_at(thing.place, thing.size)

    def at(self, address: int) -> tuple[Thing, int] | None:
        """Return the thing that holds `address` as linked, and how far into it that is."""
        index = bisect_right(self._things, address, key=lambda thing: thing.place) - 1
        while index >= 0 and address - self._things[index].place < 1 << 24:
            thing = self._things[index]
            if thing.place == address or address < thing.place + thing.size:
                return thing, address - thing.place
            index -= 1
        return None

    def relocations(self, thing: Thing) -> list[Relocation]:
        """Return what the dynamic loader writes into `thing`."""
        first = bisect_right(self._rows, thing.place - 1, key=lambda row: row.offset)
        last = bisect_right(self._rows, thing.place + thing.size - 1, key=lambda row: row.offset)
        return self._rows[first:last]

    def pointers(self, thing: Thing) -> Iterator[Pointer]:
        """Yield the words of `thing` that the dynamic loader writes."""
        for row in self.relocations(thing):
            found = self.at(row.addend) if row.type == R_RELATIVE else None
            if found is None:
                yield Pointer(row.offset - thing.place, None, 0)
            else:
                yield Pointer(row.offset - thing.place, *found)

    def room(self, things: Sequence[Thing]) -> int:
        """Return how many bytes the initial content of `things` takes, each on 8 bytes."""
        return sum((thing.size + 7) & ~7 for thing in things)

    def text_at(self, address: int) -> bytes | None:
        """Return the string literal at `address`, None where there is nothing like one."""
        for segment in self.executable.elf.segments:
            if segment.type == 1 and segment.address <= address < segment.address + segment.file_size:
                start = segment.offset + address - segment.address
                data = self.executable.elf.data
                end = data.find(b"\0", start, min(start + _LONGEST_TEXT, segment.offset + segment.file_size))
                return data[start:end] if end >= 0 else None
        return None


class Namer(Protocol):
    """Who knows how identities of the new version are called in the old one."""

    initial: Initial

    def former_identity(self, identity: Identity) -> Identity:
        """Return the identity in the running version."""
        ...

    def moves(self, identity: Identity) -> bool:
        """Whether a variable of the new version has storage of its own, into which the live value is converted."""
        ...


def equal_constants(piece: Piece, former: Thing, program: Program, namer: Namer) -> bool:
    """Whether a constant of the new version holds what the running one's does, down to whom its pointers mean."""
    if former.size != piece.size or piece.source is None:
        return False
    initial = namer.initial
    old, new = bytearray(initial.content(former)), bytearray(piece.content)
    writes = {row.offset - former.place: row for row in initial.relocations(former)}
    if len(writes) != len(piece.relocations) and writes:
        return False
    for row in piece.relocations:
        if row.type != R_64:
            return False
        before = writes.get(row.offset)
        if before is not None and before.type != R_RELATIVE:
            name = initial.executable.elf.dynamic_symbols[before.symbol].name
            if name != piece.source.elf.symbols[row.symbol].name or before.addend != row.addend:
                return False
        else:
            address = (
                before.addend if before is not None else int.from_bytes(old[row.offset : row.offset + 8], "little")
            )
            if not _means(address, row, piece.source, program, namer):
                return False
        old[row.offset : row.offset + 8] = new[row.offset : row.offset + 8] = bytes(8)
    return old == new


def _means(address: int, row: Relocation, source: ObjectFile, program: Program, namer: Namer) -> bool:
    """Whether the old address means what the new reference `row` does."""
    symbol = source.elf.symbols[row.symbol]
    definition = program.definition(source, row.symbol)
    identity, addend, piece = _target(symbol, row.addend, source, definition)
    found = namer.initial.at(address)
    if identity is not None:
        if namer.moves(identity):
            return False
        return found is not None and found[0].identity == namer.former_identity(identity) and found[1] == addend
    if found is not None and found[0].size and found[1]:
        return False
    if piece is None or piece.relocations:
        return False
    end = piece.content.find(b"\0", addend)
    return end >= 0 and namer.initial.text_at(address) == piece.content[addend:end]


def _target(
    symbol: Symbol, addend: int, source: ObjectFile, definition: Definition | None
) -> tuple[Identity | None, int, Piece | None]:
    if symbol.type != STT_SECTION:
        if definition is None:
            return None, 0, None
        return definition.identity, addend, definition.piece
    piece = source.pieces.get(symbol.section)
    if piece is None or piece.variable is not None:
        return piece.variable if piece is not None else None, addend, piece
    inside = (d for d in source.definitions.values() if d.piece is piece and d.identity is not None)
    held = next((d for d in inside if d.value <= addend < d.value + max(d.size, 1)), None)
    return (held.identity, addend - held.value, piece) if held is not None else (None, addend, piece)
