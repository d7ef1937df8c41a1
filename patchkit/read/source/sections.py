"""The few sections that are looked for in an object file which a compiler has just written.

pyelftools takes longer to load than the compiler to answer. Source: System V ABI, chapter 4, ELF header and sections.
"""

import struct
from collections.abc import Callable

_FORMATS = {1: ("<HHIIIIIHHHHHH", "<IIIIIIIIII"), 2: ("<HHIQQQIHHHHHH", "<IIQQQQIIQQ")}
_IDENT = 16
_NOBITS = 8
_ESCAPE = 0xFFFF  # stands for a section number that is too large, which the first section has then


def read_sections(data: bytes, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """Return the content of the sections of a little or big endian ELF file whose names are `wanted`.

    Raises ValueError for anything that is no ELF file.
    """
    if data[:4] != b"\x7fELF" or data[4] not in _FORMATS:
        raise ValueError("not an ELF file")
    head, row = (("<" if data[5] == 1 else ">") + text[1:] for text in _FORMATS[data[4]])
    try:
        fields = struct.unpack_from(head, data, _IDENT)
        start, size, count, names = fields[5], fields[10], fields[11], fields[12]
        first = struct.unpack_from(row, data, start)
        rows = [struct.unpack_from(row, data, start + size * number) for number in range(count or first[5])]
        _, _, _, _, at, length, *_ = rows[first[6] if names == _ESCAPE else names]
    except (struct.error, IndexError) as error:
        raise ValueError(f"a damaged ELF file: {error}") from None
    table = data[at : at + length]
    found = {}
    for place, kind, _, _, offset, length, *_ in rows:
        name = table[place : table.find(b"\0", place)].decode(errors="replace")
        if kind != _NOBITS and wanted(name):
            found[name] = data[offset : offset + length]
    return found
