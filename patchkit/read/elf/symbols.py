"""Names of thread-local variables in the symbol table, for those whose place debug information leaves out."""

import re
import struct

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

_THREAD_LOCAL = 6  # STT_TLS
_EMULATED = re.compile(rb"\0__emutls_v\.([^\0]{1,1000})(?=\0)")
_LONGEST = 1000


def thread_local_names(elf: ELFFile, table: SymbolTableSection) -> frozenset[str]:
    """Return the names of the thread-local variables in `table`, those of emulated thread-local storage included."""
    order = "<" if elf.little_endian else ">"
    entry = struct.Struct(order + ("IB3x16x" if elf.elfclass == 64 else "I8xB3x"))
    data = table.data()
    names = elf.get_section(table["sh_link"]).data()
    found = set(_EMULATED.findall(names))
    for start in _starts(entry, data):
        end = names.find(b"\0", start, start + _LONGEST)
        if end > start:
            found.add(names[start:end])
    return frozenset(name.decode("utf-8", "replace") for name in found)


def _starts(entry: struct.Struct, data: bytes) -> set[int]:
    whole = data[: len(data) // entry.size * entry.size]
    return {name for name, information in entry.iter_unpack(whole) if information & 15 == _THREAD_LOCAL}
