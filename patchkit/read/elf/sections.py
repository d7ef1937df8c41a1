"""Sections of an ELF file: read at once and bounded by the file's size, whatever its headers claim.

pyelftools reads a name or a section each time it is asked for one, which a made file can turn into hours.
Source: System V ABI, generic part, chapter 4.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from elftools.elf.elffile import ELFFile

from patchkit.errors import InputError
from patchkit.read.elf.failure import Malformed

NOBITS, SYMTAB, RELA, REL = 8, 2, 4, 9
_COMPRESSED = 0x800
_ZLIB = 1
_LONGEST_NAME = 1000
# Debug sections are compressed to a half or a tenth.
_MOST_GROWTH = 60
_MOST_REREADS = 4
REBUILD = "build the program again and name the new file"


@dataclass(frozen=True, slots=True)
class Section:
    """A section header; offsets and sizes in bytes of the file."""

    index: int
    name: str
    type: int
    flags: int
    offset: int
    size: int
    link: int
    info: int


class SectionReader:
    """The sections of one file, which is known as `name` to people."""

    def __init__(self, elf: ELFFile, file: BinaryIO, name: str, size: int) -> None:
        self._file = file
        self._name = name
        self._size = size
        self._budget = _MOST_REREADS * size
        self.little: bool = elf.little_endian
        self.wide: bool = elf.elfclass == 64
        self.sections = self._read_headers(elf)

    def _order(self) -> str:
        return "<" if self.little else ">"

    def _read_headers(self, elf: ELFFile) -> list[Section]:
        width = elf["e_shentsize"]
        header = struct.Struct(self._order() + ("IIQQQQIIQQ" if self.wide else "10I"))
        count = elf.num_sections()
        if not count:
            return []
        if width < header.size or elf["e_shoff"] + count * width > self._size:
            raise InputError(f"{self._name} is truncated: its section headers reach beyond its end", hint=REBUILD)
        self._file.seek(elf["e_shoff"])
        table = self._file.read(count * width)
        rows = [header.unpack_from(table, index * width) for index in range(count)]
        names = self._names(rows, elf.get_shstrndx())
        return [
            Section(index, _name(names, row[0]), row[1], row[2], row[4], row[5], row[6], row[7])
            for index, row in enumerate(rows)
        ]

    def _names(self, rows: list[tuple[int, ...]], index: int) -> bytes:
        if index >= len(rows):
            raise Malformed("there are no section names")
        offset, size = rows[index][4:6]
        self._file.seek(offset if offset < self._size else self._size)
        return self._file.read(min(size, self._size))

    def content(self, section: Section) -> bytes:
        """Return what `section` holds, decompressed. Raises InputError where it claims more than there is."""
        if section.type == NOBITS:
            return b""
        if section.offset + section.size > self._size:
            message = f"{self._name} is truncated: section {section.name} reaches beyond the end of the file"
            raise InputError(message, hint=REBUILD)
        self._budget -= section.size
        if self._budget < 0:
            raise Malformed("its sections overlap")
        self._file.seek(section.offset)
        data = self._file.read(section.size)
        if section.flags & _COMPRESSED:
            return self._inflated(section, data)
        if section.name.startswith(".zdebug_") and data[:4] == b"ZLIB":
            return self._unpacked(section, data[12:], int.from_bytes(data[4:12], "big"))
        return data

    def _inflated(self, section: Section, data: bytes) -> bytes:
        header = struct.Struct(self._order() + ("I4xQQ" if self.wide else "III"))
        kind, size, _ = header.unpack_from(data)
        if kind != _ZLIB:
            raise InputError(
                f"{self._name}: section {section.name} is compressed in a way that cannot be read (type {kind})",
                hint=f"decompress it first: objcopy --decompress-debug-sections {self._name} FILE, then name FILE",
            )
        return self._unpacked(section, data[header.size :], size)

    def _unpacked(self, section: Section, packed: bytes, size: int) -> bytes:
        if size > len(packed) * _MOST_GROWTH + 4096:
            message = f"{self._name} is damaged: section {section.name} claims to unpack to {size:,} bytes"
            raise InputError(message, hint=REBUILD)
        data = zlib.decompressobj().decompress(packed, size) if size else b""
        if len(data) != size:
            raise Malformed(f"section {section.name} is compressed and does not unpack to its size")
        return data


def _name(names: bytes, start: int) -> str:
    end = names.find(b"\0", start, start + _LONGEST_NAME)
    return names[start:end].decode("utf-8", "replace") if end >= 0 else ""
