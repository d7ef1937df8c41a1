"""Laying out the new version's pieces, and following every reference that they make.

What lies in the image itself is bound here; what is the running program's or a library's becomes a row for the runtime.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from patchkit.bundle import payload as rows
from patchkit.bundle.elf import STT_FUNC, Relocation
from patchkit.bundle.objects import Definition, Home, ObjectFile, Piece
from patchkit.bundle.payload import PAGE, RelocationKind as Kind, Target
from patchkit.errors import InputError

# Relocation types of the x86-64 psABI, table 4.9.
R_64, R_PC32, R_PLT32, R_GOTPCREL, R_32, R_32S, R_PC64 = 1, 2, 4, 9, 10, 11, 24
R_GOTTPOFF, R_TPOFF32, R_TPOFF64, R_GOTPCRELX, R_REX_GOTPCRELX = 22, 23, 18, 41, 42
_THREAD_MODELS = {19: "TLSGD", 20: "TLSLD", 21: "DTPOFF32", 17: "DTPOFF64"}
_GOT = frozenset({R_GOTPCREL, R_GOTPCRELX, R_REX_GOTPCRELX})
_LEA = 0x8D
STUB_SIZE = 16
ENTRY_SIZE = 8


@dataclass(frozen=True, slots=True)
class Spot:
    """Where something is: in the image at `offset`, or at `offset` from an old thing or an import."""

    target: Target
    index: int
    offset: int


@dataclass(slots=True)
class Layout:
    """The pieces of each home in a row, and how many bytes they take."""

    pieces: dict[Home, list[Piece]] = field(default_factory=lambda: {home: [] for home in Home})
    sizes: dict[Home, int] = field(default_factory=lambda: dict.fromkeys(Home, 0))

    def add(self, piece: Piece) -> None:
        """Give `piece` the next place in its segment; offsets are relative to its start."""
        at = -(-self.sizes[piece.home] // piece.align) * piece.align
        piece.offset = at
        self.sizes[piece.home] = at + piece.size
        self.pieces[piece.home].append(piece)


def pages(size: int) -> int:
    """Return `size` rounded up to whole pages."""
    return -(-size // PAGE) * PAGE


class References:
    """Binds the references of all pieces; `resolver` says where symbols are, `got` and `stubs` where there is room."""

    def __init__(self, image: bytearray, resolver: "Resolver", got: int, stubs: int) -> None:
        self.image = image
        self.resolver = resolver
        self.got, self.stubs = got, stubs
        self.rows: list[rows.Relocation] = []
        self._slots: dict[tuple[Spot | None, Kind], int] = {}
        self._stubs: dict[int, int] = {}

    def bind(self, piece: Piece) -> None:
        """Bind what `piece` refers to."""
        source = piece.source
        assert source is not None
        for row in piece.relocations:
            self._bind(piece, source, row)

    def _bind(self, piece: Piece, source: ObjectFile, row: Relocation) -> None:
        place = piece.offset + row.offset
        if row.type in (R_TPOFF32, R_TPOFF64, R_GOTTPOFF):
            self._thread_local(piece, place, source, row)
        elif row.type in _GOT:
            spot = self.resolver.spot(source, row.symbol, 0, taken=True)
            self._relative(place, self._slot(spot, Kind.ABS64) + row.addend)
        elif row.type in (R_PC32, R_PLT32, R_PC64):
            self._pc_relative(piece, source, row, place)
        elif row.type in (R_64, R_32, R_32S):
            taken = piece.home is not Home.TEXT or row.type != R_64
            if row.type == R_64 and piece.home is not Home.TEXT and self.resolver.is_gone(source, row.symbol):
                return  # the word stays 0
            spot = self.resolver.spot(source, row.symbol, row.addend, taken=taken)
            self._row(place, spot, Kind.ABS64 if row.type == R_64 else Kind.ABS32)
        else:
            raise unsupported(piece, source, row)

    def _pc_relative(self, piece: Piece, source: ObjectFile, row: Relocation, place: int) -> None:
        # An address is taken by lea; every other operand that is relative to the place is called, jumped to or read.
        lea = piece.home is Home.TEXT and row.offset >= 2 and piece.content[row.offset - 2] == _LEA
        # The distance counts from the end of the field, at least.
        spot = self.resolver.spot(source, row.symbol, row.addend + 4, taken=lea and row.addend == -4)
        spot = Spot(spot.target, spot.index, spot.offset - 4)
        if row.type == R_PC64:
            if spot.target is Target.SELF:
                self.image[place : place + 8] = struct.pack("<q", spot.offset - place)
            else:
                self._row(place, spot, Kind.PC64)
            return
        if spot.target is Target.IMPORT and spot.offset == -4 and piece.home is Home.TEXT and not lea:
            self._relative(place, self._stub(spot.index) - 4)
        elif spot.target is Target.SELF:
            self._relative(place, spot.offset)
        elif spot.target is Target.IMPORT:
            raise InputError(
                f"{source.unit} refers directly to {source.elf.symbols[row.symbol].name} of a shared library, of which "
                "the running program has no copy",
                hint="use it in the program's own code by a function, or compile both versions with -fPIC",
            )
        else:
            self._row(place, spot, Kind.PC32)

    def _thread_local(self, piece: Piece, place: int, source: ObjectFile, row: Relocation) -> None:
        spot = self.resolver.thread_local(source, row.symbol)
        if row.type == R_GOTTPOFF:
            self._relative(place, self._slot(spot, Kind.TPOFF64) + row.addend)
            return
        if spot is None:
            raise unsupported(piece, source, row)
        kind = Kind.TPOFF32 if row.type == R_TPOFF32 else Kind.TPOFF64
        self._row(place, Spot(spot.target, spot.index, row.addend), kind)

    def _relative(self, place: int, target: int) -> None:
        self.image[place : place + 4] = struct.pack("<i", target - place)

    def _row(self, place: int, spot: Spot, kind: Kind) -> None:
        self.rows.append(rows.Relocation(place, spot.offset, spot.index, kind, spot.target))

    def _slot(self, spot: Spot | None, kind: Kind) -> int:
        """The image offset of a word that holds the address of `spot`, 0 for None."""
        number = self._slots.get((spot, kind))
        if number is None:
            number = self._slots[spot, kind] = len(self._slots)
            if spot is not None:
                self._row(self.got + 8 * number, spot, kind)
        return self.got + 8 * number

    def _stub(self, index: int) -> int:
        """The image offset of code that jumps to import number `index`: jmp *slot(%rip)."""
        number = self._stubs.get(index)
        if number is None:
            number = self._stubs[index] = len(self._stubs)
            at = self.stubs + STUB_SIZE * number
            slot = self._slot(Spot(Target.IMPORT, index, 0), Kind.ABS64)
            self.image[at : at + 6] = b"\xff\x25" + struct.pack("<i", slot - (at + 6))
        return self.stubs + STUB_SIZE * number


class Resolver:
    """What symbols stand for; the linking supplies it."""

    def spot(self, source: ObjectFile, symbol: int, addend: int, *, taken: bool) -> Spot:
        """Return where `addend` bytes behind a symbol are; the entry of a function whose address is `taken`."""
        raise NotImplementedError

    def is_gone(self, source: ObjectFile, symbol: int) -> bool:
        """Whether the update's C names a variable by which no code finds anything, so that its tables have 0 for it."""
        raise NotImplementedError

    def thread_local(self, source: ObjectFile, symbol: int) -> Spot | None:
        """Return the old thread-local variable that a symbol stands for.

        None is at the thread pointer itself, where no variable is: one that the update's C names, and that the compiler
        left out of the program.
        """
        raise NotImplementedError


def unsupported(piece: Piece, source: ObjectFile, row: Relocation) -> InputError:
    """Return the error for a reference that cannot be bound."""
    name = source.elf.symbols[row.symbol].name or piece.section
    model = _THREAD_MODELS.get(row.type)
    if model is not None:
        return InputError(
            f"{source.unit} reaches the thread-local {name} by {model}, as code for shared libraries does (PKF306)",
            hint="compile it for the program: without -fPIC, or with -ftls-model=initial-exec",
        )
    return InputError(
        f"{source.unit} refers to {name} in a way that is not known (relocation type {row.type}, PKF306)",
        hint="compile it without -mcmodel=large and like options",
    )


def got_size(pieces: Iterable[Piece]) -> tuple[int, int]:
    """Return how many GOT slots and stubs the references of `pieces` may need at most."""
    slots, calls = set(), set()
    for piece in pieces:
        assert piece.source is not None
        for row in piece.relocations:
            if row.type in _GOT or row.type == R_GOTTPOFF:
                slots.add((id(piece.source), row.symbol, row.type == R_GOTTPOFF))
            elif row.symbol in piece.source.undefined:
                calls.add(piece.source.undefined[row.symbol][0])
    return len(slots) + len(calls), len(calls)


def is_function(definition: Definition) -> bool:
    """Whether `definition` is of code."""
    return definition.type == STT_FUNC and definition.piece is not None


def unwind_rows(image: bytearray, pieces: Iterable[Piece]) -> Iterator[rows.Unwind]:
    """Yield a row for each frame description. Source: Linux Standard Base, .eh_frame; gcc writes pcrel sdata4."""
    for piece in pieces:
        if piece.section != ".eh_frame":
            continue
        at, end = piece.offset, piece.offset + piece.size
        while at + 8 <= end:
            length, back = struct.unpack_from("<Ii", image, at)
            if length in (0, 0xFFFFFFFF):
                break
            if back:
                (start,) = struct.unpack_from("<i", image, at + 8)
                yield rows.Unwind(at + 8 + start, at)
            at += 4 + length
