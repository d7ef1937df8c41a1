"""Headers of units. Source: DWARF 5, section 7.5.1."""

from patchkit.read.elf.abbrev import Layout
from patchkit.read.elf.bytesread import unsigned
from patchkit.read.elf.failure import Malformed
from patchkit.read.elf.unit import Space, Unit

_MAXIMUM_PROBLEMS = 20


def read_units(space: Space) -> tuple[list[Unit], list[str]]:
    """Return the units of `space` in order, and what could not be read as one."""
    units: list[Unit] = []
    problems: list[str] = []
    signatures: dict[int, int] = {}
    position = 0
    while position < len(space.info) and len(problems) < _MAXIMUM_PROBLEMS:
        try:
            body, end, width = _read_length(space, position)
        except Malformed as problem:
            problems.append(f"what follows the unit before {position:#x} is no unit: {problem}")
            break
        try:
            # A length of 0 is padding between the contributions of object files.
            if end > body:
                units.append(_read_header(space, position, body, end, width, signatures))
        except (Malformed, IndexError) as problem:
            problems.append(f"the unit at {position:#x} has no valid header: {problem}")
        position = end
    return units, problems


def _read_length(space: Space, start: int) -> tuple[int, int, int]:
    """Return where the unit's header goes on, where the unit ends, and the size of an offset in it."""
    width = 4
    length, position = unsigned(space.info, start, 4, space.little)
    if length == 0xFFFFFFFF:
        width = 8
        length, position = unsigned(space.info, position, 8, space.little)
    elif length >= 0xFFFFFFF0:
        raise Malformed("its length is reserved")
    limit = space.types_at if start < space.types_at else len(space.info)
    if length > limit - position:
        raise Malformed("it reaches beyond its section")
    return position, position + length, width


def _read_header(space: Space, start: int, position: int, end: int, width: int, signatures: dict[int, int]) -> Unit:
    data, little = space.info, space.little
    version, position = unsigned(data, position, 2, little)
    if not 2 <= version <= 5:
        raise Malformed(f"it is of DWARF version {version}")
    typed = start >= space.types_at
    if version >= 5:
        kind, address_size = data[position], data[position + 1]
        abbrev_offset, position = unsigned(data, position + 2, width, little)
        typed = kind in (0x02, 0x06)
        if kind in (0x04, 0x05):
            position += 8  # the identity of a split unit
    else:
        abbrev_offset, position = unsigned(data, position, width, little)
        address_size, position = data[position], position + 1
    if address_size not in (4, 8):
        raise Malformed(f"its addresses have {address_size} bytes")
    if typed:
        signature, position = unsigned(data, position, 8, little)
        type_offset, position = unsigned(data, position, width, little)
        signatures.setdefault(signature, space.base + start + type_offset)
    if position >= end:
        raise Malformed("it is empty")
    layout = Layout(little, address_size, width, version)
    return Unit(space, space.base + start, space.base + end, space.base + position, layout, abbrev_offset, signatures)
