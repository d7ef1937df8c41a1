"""Abbreviation tables, made ready for reading entries fast. Source: DWARF 5, section 7.5.3.

Runs of attributes of fixed size become one `struct.Struct`; attributes that nobody asks for become its padding.
"""

import struct
from dataclasses import dataclass, field

from patchkit.read.elf import dwarf
from patchkit.read.elf.bytesread import cstring, sleb, uleb, unsigned
from patchkit.read.elf.failure import Malformed

_LETTERS = {1: "B", 2: "H", 4: "I", 8: "Q"}
# A unit may have a table of its own; tables that overlap each other without end are made, not compiled.
_REREADS = 4
Value = int | str | bytes
# A run of fixed size: (struct, attributes, size, 0, 0); one of variable size: (None, (), 0, attribute or 0, form).
Step = tuple[struct.Struct | None, tuple[int, ...], int, int, int]


@dataclass(frozen=True, slots=True)
class Layout:
    """What the size of forms depends on: the unit's byte order, address and offset size in bytes, DWARF version."""

    little: bool
    address_size: int
    offset_size: int
    version: int


@dataclass(frozen=True, slots=True)
class Abbrev:
    """The shape of an entry: `wanted` where its tag matters at all, `nested` where it matters inside a function."""

    tag: int
    children: bool
    wanted: bool
    nested: bool
    forms: dict[int, int]
    constants: dict[int, Value]
    steps: tuple[Step, ...]


@dataclass(slots=True)
class AbbrevTables:
    """The tables of one `.debug_abbrev`, each read once."""

    data: bytes
    _tables: dict[tuple[int, Layout], dict[int, Abbrev]] = field(default_factory=dict)
    _read: int = 0

    def at(self, offset: int, layout: Layout) -> dict[int, Abbrev]:
        """Return the table at `offset`. Raises Malformed where there is none."""
        table = self._tables.get((offset, layout))
        if table is None:
            if self._read > _REREADS * len(self.data) + 4096:
                raise Malformed("the abbreviation tables overlap")
            if not 0 <= offset < len(self.data):
                raise Malformed(f"the abbreviation table at {offset:#x} lies outside its section")
            table, end = _read_table(self.data, offset, layout)
            self._read += end - offset
            self._tables[offset, layout] = table
        return table


def _read_table(data: bytes, position: int, layout: Layout) -> tuple[dict[int, Abbrev], int]:
    table: dict[int, Abbrev] = {}
    while True:
        code, position = uleb(data, position)
        if code == 0:
            return table, position
        tag, position = uleb(data, position)
        children = data[position] != 0
        position += 1
        specs: list[tuple[int, int, int]] = []
        while True:
            attribute, position = uleb(data, position)
            form, position = uleb(data, position)
            constant = 0
            if form == dwarf.FORM_IMPLICIT_CONST:
                constant, position = sleb(data, position)
            if attribute == 0 and form == 0:
                break
            specs.append((attribute, form, constant))
        table[code] = _compile(tag, children, specs, layout)


def _compile(tag: int, children: bool, specs: list[tuple[int, int, int]], layout: Layout) -> Abbrev:
    forms = {attribute: form for attribute, form, _ in specs}
    wanted = tag in dwarf.WANTED_TAGS
    if tag == dwarf.TAG_PARAMETER and dwarf.AT_TYPE not in forms:
        wanted = False  # a copy of a parameter: its original says all
    nested = wanted and (tag != dwarf.TAG_VARIABLE or forms.get(dwarf.AT_LOCATION, 0) in dwarf.BLOCK_FORMS)
    asked = dwarf.WANTED_ATTRIBUTES if wanted else frozenset({dwarf.AT_SIBLING})
    constants: dict[int, Value] = {}
    steps: list[Step] = []
    pattern = ""
    names: list[int] = []
    for attribute, form, constant in specs:
        if form in (dwarf.FORM_IMPLICIT_CONST, dwarf.FORM_FLAG_PRESENT):
            if attribute in asked:
                constants[attribute] = constant if form == dwarf.FORM_IMPLICIT_CONST else 1
            continue
        size = _fixed_size(form, layout)
        if size is None:
            if pattern:
                steps.append(_run(pattern, names, layout))
                pattern, names = "", []
            steps.append((None, (), 0, attribute if attribute in asked else 0, form))
        elif attribute in asked and size in _LETTERS:
            pattern += _LETTERS[size]
            names.append(attribute)
        else:
            pattern += f"{size}x"
    if pattern:
        steps.append(_run(pattern, names, layout))
    return Abbrev(tag, children, wanted, nested, forms, constants, tuple(steps))


def _run(pattern: str, names: list[int], layout: Layout) -> Step:
    compiled = struct.Struct(("<" if layout.little else ">") + pattern)
    return compiled, tuple(names), compiled.size, 0, 0


def _fixed_size(form: int, layout: Layout) -> int | None:
    size = dwarf.FIXED_FORMS.get(form)
    if size is not None:
        return size
    if form in dwarf.OFFSET_FORMS:
        return layout.offset_size
    if form == dwarf.FORM_ADDR:
        return layout.address_size
    if form == dwarf.FORM_REF_ADDR:
        return layout.address_size if layout.version == 2 else layout.offset_size
    return 16 if form == dwarf.FORM_DATA16 else None


def read_value(data: bytes, position: int, form: int, layout: Layout) -> tuple[Value, int, int]:
    """Return the value of variable size at `position`, the position after it, and the form it turned out to have."""
    if form in dwarf.ULEB_FORMS:
        return *uleb(data, position), form
    if form == dwarf.FORM_STRING:
        return *cstring(data, position), form
    if form == dwarf.FORM_SDATA:
        return *sleb(data, position), form
    if form in dwarf.BLOCK_FORMS:
        if form in (dwarf.FORM_EXPRLOC, dwarf.FORM_BLOCK):
            size, position = uleb(data, position)
        else:
            width = {dwarf.FORM_BLOCK1: 1, dwarf.FORM_BLOCK2: 2, dwarf.FORM_BLOCK4: 4}[form]
            size, position = unsigned(data, position, width, layout.little)
        if size > len(data) - position:
            raise Malformed("a block reaches beyond its section")
        return data[position : position + size], position + size, form
    if form in dwarf.THREE_BYTE_FORMS:
        return *unsigned(data, position, 3, layout.little), form
    if form == dwarf.FORM_INDIRECT:
        real, position = uleb(data, position)
        fixed = _fixed_size(real, layout)
        if fixed is not None:
            return *unsigned(data, position, fixed, layout.little), real
        if real == dwarf.FORM_FLAG_PRESENT:
            return 1, position, real
        if real in (dwarf.FORM_INDIRECT, dwarf.FORM_IMPLICIT_CONST):
            raise Malformed("an indirect attribute form names no form")
        return read_value(data, position, real, layout)
    raise Malformed(f"the attribute form {form:#x} is not one of DWARF 5")


def read_attributes(data: bytes, position: int, abbrev: Abbrev, layout: Layout) -> tuple[dict[int, Value], int]:
    """Return the attributes that begin at `position`, and the position after them.

    A form that was written beside its value stands under the negative number of its attribute.
    """
    if not abbrev.steps:
        return abbrev.constants, position
    attributes = abbrev.constants.copy()
    for fixed, names, size, attribute, form in abbrev.steps:
        if fixed is not None:
            if names:
                attributes.update(zip(names, fixed.unpack_from(data, position), strict=True))
            position += size
        else:
            value, position, real = read_value(data, position, form, layout)
            if attribute:
                attributes[attribute] = value
                if real != form:
                    attributes[-attribute] = real
    return attributes, position
