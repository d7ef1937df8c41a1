"""The memory of a program, of a running process or of what is left of one in a core file, read and never written."""

from __future__ import annotations

import os
import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from patchkit.errors import InputError
from patchkit.live.process import Process, find_build_id, find_process, not_permitted

_LOAD, _NOTE, _CORE = 1, 4, 4  # PT_LOAD, PT_NOTE, ET_CORE
_AUXILIARY, _FILES = 6, 0x46494C45  # NT_AUXV, NT_FILE
_PROGRAM_HEADERS, _COUNT = 3, 5  # AT_PHDR, AT_PHNUM
_HEADERS = struct.Struct("<IIQQQQQQ")


class Reader(Protocol):
    """Returns `size` bytes at `place`, None where not all of them can be had."""

    def __call__(self, place: int, size: int) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Memory:
    """What can be read of a program: `base` is what is added to addresses as linked, `named` what messages call it."""

    named: str
    build_id: str
    base: int
    read: Reader


@contextmanager
def memory_of(where: str) -> Iterator[Memory]:
    """Give the memory of the process with that number, or of the core file at that path.

    A process goes on meanwhile, so what it changes just then is read as it happens to be. Raises InputError, and
    LiveError where a process may not be read.
    """
    if where.isdigit():
        yield from _of_process(find_process(int(where)))
    else:
        yield from _of_core(Path(where))


def _of_process(process: Process) -> Iterator[Memory]:
    try:
        descriptor = os.open(f"/proc/{process.pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    except PermissionError as problem:
        raise not_permitted(process.pid, process.program, process.user) from problem
    except OSError as problem:
        raise InputError(f"{process.named} has ended") from problem

    def read(place: int, size: int) -> bytes | None:
        try:
            data = os.pread(descriptor, size, place)
        except (OSError, OverflowError):
            return None
        return data if len(data) == size else None

    try:
        vector = Path(f"/proc/{process.pid}/auxv").read_bytes()
        yield Memory(process.named, process.build_id, _base(vector, read), read)
    finally:
        os.close(descriptor)


def _of_core(path: Path) -> Iterator[Memory]:
    try:
        file = path.open("rb")
    except OSError as problem:
        raise InputError(
            f"{path} cannot be read: {problem.strerror}", hint="name a process or a core file"
        ) from problem
    with file:
        head = file.read(64)
        if head[:6] != b"\x7fELF\x02\x01" or struct.unpack_from("<H", head, 16)[0] != _CORE:
            raise InputError(f"{path} is no core file", hint="name a process by its number, or a core file")
        offset, size, count = *struct.unpack_from("<Q", head, 32), *struct.unpack_from("<HH", head, 54)
        file.seek(offset)
        rows = [_HEADERS.unpack(file.read(size)[: _HEADERS.size]) for _ in range(count)]
        notes = b""
        for row in rows:
            if row[0] == _NOTE:
                file.seek(row[2])
                notes += file.read(row[5])
        kept = _Pieces(_Piece(row[3], row[5], file, row[2]) for row in rows if row[0] == _LOAD and row[5])
        with ExitStack() as stack:
            # What is mapped from a file and was never written is not in the core, but there.
            read = _reader((kept, _Pieces(_files(_note(notes, _FILES), stack))))
            vector = _note(notes, _AUXILIARY)
            base = _base(vector, read)
            yield Memory(str(path), _build_id(vector, base, read), base, read)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Bytes at a place that a file has at `at`."""

    place: int
    size: int
    file: BinaryIO
    at: int


class _Pieces:
    """Memory in pieces, none of which lies over another."""

    def __init__(self, pieces: Iterable[_Piece]) -> None:
        self._pieces = sorted(pieces, key=lambda piece: piece.place)
        self._places = [piece.place for piece in self._pieces]

    def at(self, place: int) -> _Piece | None:
        """Return the piece that holds `place`."""
        index = bisect_right(self._places, place) - 1
        piece = self._pieces[index] if index >= 0 else None
        return piece if piece is not None and place - piece.place < piece.size else None


def _reader(layers: Sequence[_Pieces]) -> Reader:
    """Return what reads from the first of `layers` that has a place."""

    def read(place: int, size: int) -> bytes | None:
        found = b""
        while len(found) < size:
            at = place + len(found)
            piece = next((each for layer in layers if (each := layer.at(at)) is not None), None)
            if piece is None:
                return None
            inside = at - piece.place
            piece.file.seek(piece.at + inside)
            data = piece.file.read(min(size - len(found), piece.size - inside))
            if not data:
                return None
            found += data
        return found

    return read


def _files(note: bytes, stack: ExitStack) -> Iterator[_Piece]:
    """Yield what is mapped from files that are still there. Source: NT_FILE of core(5)."""
    if len(note) < 16:
        return
    count, unit = struct.unpack_from("<QQ", note)
    names = note[16 + 24 * count :].split(b"\0")
    opened: dict[bytes, BinaryIO | None] = {}
    for number in range(min(count, len(names))):
        start, end, at = struct.unpack_from("<QQQ", note, 16 + 24 * number)
        name = names[number]
        if name not in opened:
            try:
                opened[name] = stack.enter_context(open(name, "rb"))  # noqa: SIM115 - the stack closes it
            except OSError:
                opened[name] = None
        file = opened[name]
        if file is not None:
            yield _Piece(start, end - start, file, at * unit)


def _note(notes: bytes, wanted: int) -> bytes:
    place = 0
    while place + 12 <= len(notes):
        name, size, kind = struct.unpack_from("<III", notes, place)
        start = place + 12 + (name + 3 & ~3)
        if kind == wanted:
            return notes[start : start + size]
        place = start + (size + 3 & ~3)
    return b""


def _headers(vector: bytes, read: Reader) -> Sequence[tuple[int, ...]]:
    """The program headers as the process has them in memory."""
    facts = dict(struct.iter_unpack("<QQ", vector[: len(vector) // 16 * 16]))
    place, count = facts.get(_PROGRAM_HEADERS, 0), facts.get(_COUNT, 0)
    table = read(place, count * _HEADERS.size) if place else None
    return [] if table is None else [(place, *row) for row in _HEADERS.iter_unpack(table)]


def _base(vector: bytes, read: Reader) -> int:
    """Source: elf(5). PT_PHDR says where the headers are as linked."""
    return next((place - row[3] for place, *row in _headers(vector, read) if row[0] == 6), 0)


def _build_id(vector: bytes, base: int, read: Reader) -> str:
    for _, kind, _, _, address, _, size, *_ in _headers(vector, read):
        notes = read(base + address, size) if kind == _NOTE else None
        if notes is not None and (found := find_build_id(notes)):
            return found
    return ""
