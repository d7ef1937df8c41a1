"""Where a variable is, as far as that says how long it lives."""

from patchkit.read.elf import dwarf
from patchkit.read.elf.bytesread import uleb
from patchkit.read.elf.unit import Entry


def storage(entry: Entry) -> str:
    """Return `static` or `thread` for a variable that outlives calls, empty for any other.

    Source: DWARF 5, sections 2.5 and 2.6.
    """
    location = entry.attributes.get(dwarf.AT_LOCATION)
    if not isinstance(location, bytes):
        return ""
    position = 0
    while position < len(location) and location[position] == dwarf.OP_PIECE:
        _, position = uleb(location, position + 1)  # a part that was optimised away
    if position >= len(location):
        return ""
    operator = location[position]
    if operator in dwarf.INDEXED_OPERATORS:
        _, end = uleb(location, position + 1)
    elif operator == dwarf.OP_ADDR:
        end = position + 1 + entry.unit.layout.address_size
    elif operator in dwarf.CONSTANT_OPERATORS:
        end = position + 1 + dwarf.CONSTANT_OPERATORS[operator]
    else:
        return ""
    rest = location[end] if end < len(location) else 0
    if rest in dwarf.TLS_OPERATORS:
        return "thread"
    # What is added is the place within a block that clang merged several variables into.
    known = operator in dwarf.ADDRESS_OPERATORS and rest in (0, dwarf.OP_PLUS_UCONST, dwarf.OP_PIECE)
    return "static" if known else ""
