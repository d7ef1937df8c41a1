"""Names of thread-local variables in the symbol table, for those whose place debug information leaves out."""

import re
import struct

from patchkit.read.elf.sections import Section, SectionReader

_THREAD_LOCAL = 6  # STT_TLS
_LONGEST = 1000
_EMULATED = re.compile(rb"\0__emutls_v\.([^\0]{1,1000})(?=\0)")


def thread_local_names(reader: SectionReader, table: Section) -> frozenset[str]:
    """Return the names of the thread-local variables in `table`, those of emulated thread-local storage included."""
    if table.link >= len(reader.sections):
        return frozenset()
    entry = struct.Struct(("<" if reader.little else ">") + ("IB3x16x" if reader.wide else "I8xB3x"))
    data = reader.content(table)
    names = reader.content(reader.sections[table.link])
    found = set(_EMULATED.findall(names))
    for start in _starts(entry, data):
        end = names.find(b"\0", start, start + _LONGEST)
        if end > start:
            found.add(names[start:end])
    return frozenset(name.decode("utf-8", "replace") for name in found)


def _starts(entry: struct.Struct, data: bytes) -> set[int]:
    whole = data[: len(data) // entry.size * entry.size]
    return {name for name, information in entry.iter_unpack(whole) if information & 15 == _THREAD_LOCAL}
