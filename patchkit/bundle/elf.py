"""Objects and executables as the linker sees them: sections, symbols, relocations. 64-bit little-endian ELF only.

Source: System V ABI, generic part, chapters 4 and 5; its x86-64 supplement.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from patchkit.errors import InputError

SHT_PROGBITS, SHT_SYMTAB, SHT_RELA, SHT_NOTE, SHT_NOBITS = 1, 2, 4, 7, 8
SHT_DYNSYM, SHT_GROUP, SHT_SYMTAB_SHNDX, SHT_RELR = 11, 17, 18, 19
SHT_GNU_VERNEED, SHT_GNU_VERSYM = 0x6FFFFFFE, 0x6FFFFFFF
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_STRINGS, SHF_TLS, SHF_COMPRESSED = 1, 2, 4, 0x20, 0x400, 0x800
SHN_UNDEF, SHN_ABS, SHN_COMMON, SHN_LORESERVE = 0, 0xFFF1, 0xFFF2, 0xFF00
STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_SECTION, STT_FILE, STT_COMMON, STT_TLS, STT_GNU_IFUNC = 0, 1, 2, 3, 4, 5, 6, 10
STB_LOCAL, STB_GLOBAL, STB_WEAK = 0, 1, 2
STV_INTERNAL, STV_HIDDEN = 1, 2
PT_LOAD, PT_TLS, PT_GNU_RELRO = 1, 7, 0x6474E552
ET_REL, ET_EXEC, ET_DYN = 1, 2, 3
EM_X86_64 = 62
DT_NEEDED = 1

_HEADER = struct.Struct("<16xHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELA = struct.Struct("<QQq")
_GNU_BUILD_ID = 3


@dataclass(frozen=True, slots=True)
class Section:
    """A section header. Sizes and offsets in bytes."""

    index: int
    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int

    @property
    def allocated(self) -> bool:
        """Whether it is part of the running program."""
        return bool(self.flags & SHF_ALLOC)


@dataclass(frozen=True, slots=True)
class Segment:
    """A program header. Sizes and offsets in bytes."""

    type: int
    offset: int
    address: int
    file_size: int
    size: int
    align: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """A row of a symbol table. `section` is an index, or one of SHN_*; `version` as in `name@version`.

    A `hidden` symbol is external to its unit, though what was linked may have it as a local one.
    """

    index: int
    name: str
    type: int
    binding: int
    section: int
    value: int
    size: int
    version: str = ""
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Relocation:
    """A row of a RELA table; `symbol` is an index into the symbol table."""

    offset: int
    type: int
    symbol: int
    addend: int


@dataclass  # without slots, for the tables that are read when they are first asked for
class Elf:
    """An object or executable in memory."""

    path: Path
    data: bytes
    kind: int
    machine: int
    sections: tuple[Section, ...]
    segments: tuple[Segment, ...]
    _contents: dict[int, bytes] = field(default_factory=dict)

    def content(self, section: Section) -> bytes:
        """Return what `section` holds, decompressed; zeros for one without bytes in the file."""
        known = self._contents.get(section.index)
        if known is None:
            known = self._contents[section.index] = self._read(section)
        return known

    def _read(self, section: Section) -> bytes:
        if section.type == SHT_NOBITS:
            return bytes(section.size)
        data = self.data[section.offset : section.offset + section.size]
        if section.flags & SHF_COMPRESSED:
            kind, _ = struct.unpack_from("<II", data)
            if kind != 1:
                raise InputError(
                    f"{self.path}: section {section.name} is not compressed with zlib",
                    hint="compile with -gz=zlib or without -gz",
                )
            return zlib.decompress(data[24:])
        return data

    def section(self, name: str) -> Section | None:
        """Return the first section of that name."""
        return next((section for section in self.sections if section.name == name), None)

    def debug(self, name: str) -> bytes:
        """Return the content of `.debug_`name, empty where there is none."""
        section = self.section(f".debug_{name}")
        return self.content(section) if section is not None else b""

    @cached_property
    def symbols(self) -> tuple[Symbol, ...]:
        """The rows of .symtab, none where it is stripped."""
        return self._table(SHT_SYMTAB)

    @cached_property
    def dynamic_symbols(self) -> tuple[Symbol, ...]:
        """The rows of .dynsym, with the versions that .gnu.version_r asks for."""
        return self._table(SHT_DYNSYM)

    def _table(self, kind: int) -> tuple[Symbol, ...]:
        section = next((each for each in self.sections if each.type == kind), None)
        if section is None:
            return ()
        names = self.content(self.sections[section.link])
        versions = self._versions() if kind == SHT_DYNSYM else {}
        rows = []
        for index, (start, info, other, shndx, value, size) in enumerate(_SYMBOL.iter_unpack(self.content(section))):
            name, _, version = text_at(names, start).partition("@")
            version = versions.get(index, version.lstrip("@"))
            hidden = other & 3 in (STV_INTERNAL, STV_HIDDEN)
            rows.append(Symbol(index, name, info & 15, info >> 4, shndx, value, size, version, hidden))
        return tuple(rows)

    def _versions(self) -> dict[int, str]:
        """Return the wanted version of each dynamic symbol that has one. Source: LSB core, symbol versioning."""
        table = next((each for each in self.sections if each.type == SHT_GNU_VERSYM), None)
        needs = next((each for each in self.sections if each.type == SHT_GNU_VERNEED), None)
        if table is None or needs is None:
            return {}
        data, names = self.content(needs), self.content(self.sections[needs.link])
        known: dict[int, str] = {}
        at = 0
        for _ in range(needs.info):
            _, count, _, first, following = struct.unpack_from("<HHIII", data, at)
            entry = at + first
            for _ in range(count):
                _, _, other, name, step = struct.unpack_from("<IHHII", data, entry)
                known[other & 0x7FFF] = text_at(names, name)
                entry += step
            at += following
        numbers = struct.unpack(f"<{table.size // 2}H", self.content(table))
        return {index: known[number & 0x7FFF] for index, number in enumerate(numbers) if number & 0x7FFF in known}

    def relocations(self, section: Section) -> tuple[Relocation, ...]:
        """Return the rows of the RELA table `section`."""
        return tuple(
            Relocation(offset, info & 0xFFFFFFFF, info >> 32, addend)
            for offset, info, addend in _RELA.iter_unpack(self.content(section))
        )

    @property
    def build_id(self) -> bytes:
        """The GNU build-id, empty where it has none."""
        for section in self.sections:
            if section.type == SHT_NOTE and section.name == ".note.gnu.build-id":
                name_size, size, kind = struct.unpack_from("<III", self.content(section))
                start = 12 + ((name_size + 3) & ~3)
                return self.content(section)[start : start + size] if kind == _GNU_BUILD_ID else b""
        return b""

    @property
    def needed(self) -> tuple[str, ...]:
        """The sonames of the libraries that it is linked with."""
        section = self.section(".dynamic")
        if section is None:
            return ()
        names = self.content(self.sections[section.link])
        rows = struct.iter_unpack("<qQ", self.content(section))
        return tuple(text_at(names, value) for tag, value in rows if tag == DT_NEEDED)

    def bytes_at(self, address: int, size: int) -> bytes:
        """Return `size` bytes at the link-time `address`, zeros where the file holds none. Raises InputError."""
        for segment in self.segments:
            if segment.type == PT_LOAD and segment.address <= address <= segment.address + segment.size - size:
                start = address - segment.address
                stored = self.data[segment.offset + start : segment.offset + min(start + size, segment.file_size)]
                return stored + bytes(size - len(stored))
        raise InputError(f"{self.path} is damaged: nothing is loaded at {address:#x}", hint="build it again")

    def dynamic_relocations(self) -> Iterator[Relocation]:
        """Yield what the dynamic loader relocates; rows of a RELR table become R_X86_64_RELATIVE with their addend."""
        for section in self.sections:
            if section.type == SHT_RELA and section.allocated:
                yield from self.relocations(section)
            elif section.type == SHT_RELR:
                for address in _relr(self.content(section)):
                    (addend,) = struct.unpack("<q", self.bytes_at(address, 8))
                    yield Relocation(address, 8, 0, addend)


def _relr(data: bytes) -> Iterator[int]:
    """Yield the addresses that a RELR table stands for. Source: generic ABI, draft of relative relocations."""
    where = 0
    for (word,) in struct.iter_unpack("<Q", data):
        if word & 1 == 0:
            yield word
            where = word + 8
            continue
        for bit in range(63):
            if word >> (bit + 1) & 1:
                yield where + 8 * bit
        where += 63 * 8


def text_at(data: bytes, start: int) -> str:
    """Return the NUL-terminated text at `start`."""
    return data[start : data.index(0, start)].decode("utf-8", "surrogateescape")


def read_elf_file(path: Path) -> Elf:
    """Read the file at `path`. Raises InputError where it is no 64-bit ELF file for x86-64."""
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {problem.strerror}") from problem
    if data[:6] != b"\x7fELF\x02\x01" or len(data) < 64:
        raise InputError(f"{path} is not a 64-bit ELF file", hint="bundles are made for x86-64 on Linux")
    try:
        return _parse(path, data)
    except (struct.error, IndexError, ValueError) as problem:
        raise InputError(f"{path} is damaged: {problem}", hint="build it again") from problem


def _parse(path: Path, data: bytes) -> Elf:
    kind, machine, _, _, phoff, shoff, _, _, phentsize, phnum, shentsize, shnum, names_at = _HEADER.unpack_from(data)
    if machine != EM_X86_64:
        raise InputError(f"{path} is not for x86-64", hint="bundles are made for x86-64 on Linux")
    if shoff and not shnum:
        shnum = _SECTION.unpack_from(data, shoff)[5]
    rows = [_SECTION.unpack_from(data, shoff + index * shentsize) for index in range(shnum)]
    if names_at == 0xFFFF and rows:
        names_at = rows[0][6]
    names = data[rows[names_at][4] : rows[names_at][4] + rows[names_at][5]] if rows else b""
    sections = [Section(index, text_at(names, row[0]), *row[1:9]) for index, row in enumerate(rows)]
    segments = []
    for index in range(phnum):
        kind_, _, offset, address, _, file_size, size, align = _SEGMENT.unpack_from(data, phoff + index * phentsize)
        segments.append(Segment(kind_, offset, address, file_size, size, align))
    return Elf(path, data, kind, machine, tuple(sections), tuple(segments))
