"""Relocations of debug sections, which object files still need before their debug information can be read."""

import io
import struct
from collections.abc import Sequence

from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationHandler, RelocationSection
from elftools.elf.sections import SymbolTableSection

from patchkit.read.elf.failure import Malformed

# Relocations of x86-64 that occur in debug sections, by the size in bytes of what they set; 0 sets nothing. pyelftools
# takes 40 µs for each and knows none for thread-local storage. Source: System V ABI, AMD64 supplement, table 4.9.
_X86_64 = {0: 0, 1: 8, 10: 4, 11: 4, 17: 8, 21: 4}
_ENTRY = struct.Struct("<QQq")
_SYMBOL_VALUE = struct.Struct("<8xQ8x")


def relocate(elf: ELFFile, sections: Sequence[tuple[int, bytes]]) -> list[bytes]:
    """Return the content of sections, given by number, with the relocations applied that are meant for them."""
    tables: dict[int, list[RelocationSection]] = {}
    for section in elf.iter_sections():
        if isinstance(section, RelocationSection):
            tables.setdefault(section["sh_info"], []).append(section)
    relocated: list[bytes] = []
    for index, content in sections:
        for table in tables.get(index, ()):
            if elf["e_machine"] == "EM_X86_64" and table.is_RELA() and elf.elfclass == 64 and elf.little_endian:
                content = _apply(elf, table, content)
            else:
                stream = io.BytesIO(content)
                RelocationHandler(elf).apply_section_relocations(stream, table)
                content = stream.getvalue()
        relocated.append(content)
    return relocated


def _apply(elf: ELFFile, table: RelocationSection, content: bytes) -> bytes:
    symbols = elf.get_section(table["sh_link"])
    if not isinstance(symbols, SymbolTableSection):
        raise Malformed(f"the relocations in {table.name} have no symbol table")
    names, entries = symbols.data(), table.data()
    values = [value for (value,) in _SYMBOL_VALUE.iter_unpack(names[: len(names) // 24 * 24])]
    data = bytearray(content)
    for place, info, addend in _ENTRY.iter_unpack(entries[: len(entries) // 24 * 24]):
        size = _X86_64.get(info & 0xFFFFFFFF)
        symbol = info >> 32
        if size is None:
            raise Malformed(
                f"{table.name} holds a relocation of type {info & 0xFFFFFFFF}, which no debug section needs"
            )
        if symbol >= len(values) or place + size > len(data):
            raise Malformed(f"a relocation in {table.name} lies outside of its section or names no symbol")
        value = values[symbol] + addend
        data[place : place + size] = (value & ((1 << size * 8) - 1)).to_bytes(size, "little")
    return bytes(data)
