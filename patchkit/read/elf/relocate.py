"""Relocations of debug sections, which object files still need before their debug information can be read."""

import io
import struct

from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationHandler, RelocationSection

from patchkit.read.elf.failure import Malformed
from patchkit.read.elf.sections import REL, RELA, Section, SectionReader

# Relocations of x86-64 that occur in debug sections, by the size in bytes of what they set; 0 sets nothing. pyelftools
# takes 40 µs for each and knows none for thread-local storage. Source: System V ABI, AMD64 supplement, table 4.9.
_X86_64 = {0: 0, 1: 8, 10: 4, 11: 4, 17: 8, 21: 4}
_ENTRY = struct.Struct("<QQq")
_SYMBOL_VALUE = struct.Struct("<8xQ8x")


class Relocator:
    """Applies the relocations of one object file."""

    def __init__(self, elf: ELFFile, reader: SectionReader) -> None:
        self._elf = elf
        self._reader = reader
        self._own = elf["e_machine"] == "EM_X86_64" and elf.elfclass == 64 and elf.little_endian
        self._values: dict[int, list[int]] = {}
        self._tables: dict[int, list[Section]] = {}
        for section in reader.sections:
            if section.type in (REL, RELA):
                self._tables.setdefault(section.info, []).append(section)

    def apply(self, section: Section, content: bytes) -> bytes:
        """Return the content of `section` with the relocations applied that are meant for it."""
        for table in self._tables.get(section.index, ()):
            if self._own and table.type == RELA:
                content = self._apply(table, content)
            else:
                stream = io.BytesIO(content)
                relocations = self._elf.get_section(table.index)
                assert isinstance(relocations, RelocationSection)
                RelocationHandler(self._elf).apply_section_relocations(stream, relocations)
                content = stream.getvalue()
        return content

    def _symbol_values(self, index: int) -> list[int]:
        values = self._values.get(index)
        if values is None:
            if index >= len(self._reader.sections):
                raise Malformed("there are relocations without a symbol table")
            data = self._reader.content(self._reader.sections[index])
            rows = _SYMBOL_VALUE.iter_unpack(data[: len(data) // _SYMBOL_VALUE.size * _SYMBOL_VALUE.size])
            values = self._values[index] = [value for (value,) in rows]
        return values

    def _apply(self, table: Section, content: bytes) -> bytes:
        values = self._symbol_values(table.link)
        entries = self._reader.content(table)
        data = bytearray(content)
        for place, info, addend in _ENTRY.iter_unpack(entries[: len(entries) // _ENTRY.size * _ENTRY.size]):
            kind, symbol = info & 0xFFFFFFFF, info >> 32
            size = _X86_64.get(kind)
            if size is None:
                raise Malformed(f"{table.name} holds a relocation of type {kind}, which no debug section needs")
            if symbol >= len(values) or place + size > len(data):
                raise Malformed(f"a relocation in {table.name} lies outside of its section or names no symbol")
            value = values[symbol] + addend
            data[place : place + size] = (value & ((1 << size * 8) - 1)).to_bytes(size, "little")
        return bytes(data)
