"""Where the variables and functions of an executable are, by what the source calls them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from patchkit.read.elf import dwarf
from patchkit.read.elf.enclosing import function_around
from patchkit.read.elf.failure import BROKEN
from patchkit.read.elf.forest import Forest
from patchkit.read.elf.image import guarded, read_image
from patchkit.read.elf.lines import source_path
from patchkit.read.elf.opening import open_units, without_debug_information
from patchkit.read.elf.paths import relative
from patchkit.read.elf.unit import Entry, Unit

_MOST_ORIGINS = 8


@dataclass(frozen=True, slots=True)
class Place:
    """Who is at an address: `unit` is the source that was compiled, relative to the root; `function` is empty at file
    scope; `ordinal` counts static variables of one name in a function in the order of the source.
    """

    unit: str
    name: str
    function: str = ""
    ordinal: int = 0


@dataclass(slots=True)
class Places:
    """What debug information says of addresses (as linked). A function is at its first instruction."""

    variables: dict[int, Place] = field(default_factory=dict)
    functions: dict[int, Place] = field(default_factory=dict)


def read_places(path: Path, root: str) -> Places:
    """Return where everything is in the executable at `path`; raises InputError where it has no debug information."""
    image = read_image(path)
    if "info" not in image.sections:
        raise without_debug_information(image)
    places = Places()
    with guarded(path):
        reading = open_units(image, root)
        for unit, _ in reading.units:
            reading.forest.enter(unit)
            try:
                _read_unit(reading.forest, unit, root, places)
            except BROKEN:
                continue  # whatever depends on it has no place and is reported as such
            finally:
                reading.forest.leave(unit)
    return places


def _read_unit(forest: Forest, unit: Unit, root: str, places: Places) -> None:
    source = relative(source_path(unit), root)
    top = unit.top()
    for entry in unit.entries[top.offset].children if top.offset in unit.entries else ():
        if entry.tag == dwarf.TAG_VARIABLE:
            address = _address(entry)
            if address is not None:
                places.variables[address] = Place(source, _name(forest, entry))
        elif entry.tag == dwarf.TAG_SUBPROGRAM:
            _read_function(forest, entry, source, places)


def _read_function(forest: Forest, entry: Entry, source: str, places: Places) -> None:
    name = _name(forest, entry)
    start = entry.number(dwarf.AT_LOW_PC)
    if start is not None and name:
        places.functions[start] = Place(source, name)
    found: dict[tuple[str, str], list[tuple[int, int, int, int]]] = {}
    for inner in _inside(entry):
        if inner.tag == dwarf.TAG_SUBPROGRAM:
            _read_function(forest, inner, source, places)
            continue
        address = _address(inner)
        if address is None:
            continue
        origin = _origin(forest, inner)
        around = name or function_around(origin)
        line, column = origin.number(dwarf.AT_DECL_LINE) or 0, origin.number(dwarf.AT_DECL_COLUMN) or 0
        if origin.name and around:
            found.setdefault((around, origin.name), []).append((line, column, origin.offset, address))
    for (around, variable), listed in found.items():
        for ordinal, (*_, address) in enumerate(sorted(listed)):
            places.variables[address] = Place(source, variable, around, ordinal)


def _inside(function: Entry) -> Iterator[Entry]:
    waiting = [function]
    while waiting:
        for entry in waiting.pop().children:
            if entry.tag in (dwarf.TAG_VARIABLE, dwarf.TAG_SUBPROGRAM):
                yield entry
            elif entry.tag == dwarf.TAG_LEXICAL_BLOCK:
                waiting.append(entry)


def _origin(forest: Forest, entry: Entry) -> Entry:
    for _ in range(_MOST_ORIGINS):
        origin = entry.reference(dwarf.AT_SPECIFICATION)
        if origin is None:
            origin = entry.reference(dwarf.AT_ABSTRACT_ORIGIN)
        if origin is None:
            break
        entry = forest.original(origin)
    return entry


def _name(forest: Forest, entry: Entry) -> str:
    return _origin(forest, entry).name


def _address(entry: Entry) -> int | None:
    """The fixed address of a variable. Source: DWARF 5, section 2.5.1.1 (DW_OP_addr)."""
    location = entry.attributes.get(dwarf.AT_LOCATION)
    if not isinstance(location, bytes) or len(location) < 9 or location[0] != dwarf.OP_ADDR:
        return None
    rest = location[9:]
    return int.from_bytes(location[1:9], "little") if not rest else None
