"""Units of debug information and the entries in them that matter to a program's types and storage.

Offsets of entries are global: those of a file and of the supplementary file it may refer to follow each other in one
numbering.
"""

from dataclasses import dataclass, field

from patchkit.read.elf import dwarf
from patchkit.read.elf.abbrev import Abbrev, AbbrevTables, Layout, Value, read_attributes
from patchkit.read.elf.bytesread import cstring, uleb, unsigned
from patchkit.read.elf.failure import Malformed

_REREADS = 4  # a name may end another one; names that overlap without end are made, not compiled
LEAF: "list[Entry]" = []  # the children of every entry that can have none; nothing is ever added to it


@dataclass(slots=True)
class Space:
    """The debug sections of one file. `info` is `.debug_info` followed by `.debug_types`, which begins at `types_at`.

    `base` is the global offset of the first byte of `info`; `alternate` the supplementary file that dwz made, if any.
    """

    info: bytes
    types_at: int
    abbrevs: AbbrevTables
    strings: bytes
    line: bytes
    line_strings: bytes
    string_offsets: bytes
    little: bool
    base: int = 0
    alternate: "Space | None" = None
    line_read: int = 0  # bytes of line tables that were read so far
    _spent: int = 0
    files: dict[tuple[int, str], tuple[str, ...]] = field(default_factory=dict)  # by place of the table and directory
    _texts: dict[int, str] = field(default_factory=dict)
    _line_texts: dict[int, str] = field(default_factory=dict)

    def text(self, offset: int) -> str:
        """Return the string at `offset` of `.debug_str`."""
        found = self._texts.get(offset)
        if found is None:
            found = self._texts[offset] = self._read(self.strings, offset)
        return found

    def line_text(self, offset: int) -> str:
        """Return the string at `offset` of `.debug_line_str`."""
        found = self._line_texts.get(offset)
        if found is None:
            found = self._line_texts[offset] = self._read(self.line_strings, offset)
        return found

    def _read(self, strings: bytes, offset: int) -> str:
        text, _ = cstring(strings, offset)
        self._spent += len(text)
        if self._spent > _REREADS * (len(self.strings) + len(self.line_strings)) + 4096:
            raise Malformed("the names overlap")
        return text


@dataclass(slots=True, eq=False)
class Entry:
    """An entry (DIE): what it is, its attributes as written, and those of its children that matter."""

    unit: "Unit"
    offset: int
    abbrev: Abbrev
    attributes: dict[int, Value]
    children: "list[Entry]"

    @property
    def tag(self) -> int:
        """The DWARF number of its tag."""
        return self.abbrev.tag

    @property
    def name(self) -> str:
        """Its name, empty where it has none."""
        return self.text(dwarf.AT_NAME) if dwarf.AT_NAME in self.attributes else ""

    def form(self, attribute: int) -> int:
        """Return the form in which `attribute` was written."""
        form = self.abbrev.forms[attribute]
        if form == dwarf.FORM_INDIRECT:
            real = self.attributes[-attribute]
            assert isinstance(real, int)
            return real
        return form

    def has(self, attribute: int) -> bool:
        """Whether it has the attribute; a flag that is written as 0 counts as absent."""
        return self.attributes.get(attribute, 0) not in (0, b"")

    def text(self, attribute: int) -> str:
        """Return a string attribute, empty where it is absent."""
        value = self.attributes.get(attribute)
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        form = self.form(attribute)
        if not isinstance(value, int):
            raise Malformed(f"the entry at {self.offset:#x} has a name that is no string")
        unit, space = self.unit, self.unit.space
        if form == dwarf.FORM_STRP:
            return space.text(value)
        if form == dwarf.FORM_LINE_STRP:
            return space.line_text(value)
        if form in dwarf.INDEXED_STRING_FORMS:
            return unit.indexed_text(value)
        if form in (dwarf.FORM_GNU_STRP_ALT, dwarf.FORM_STRP_SUP) and space.alternate is not None:
            return space.alternate.text(value)
        raise Malformed(f"the entry at {self.offset:#x} has a name in the form {form:#x}, which is no string")

    def number(self, attribute: int) -> int | None:
        """Return a constant attribute, None where it is absent or computed at run time."""
        value = self.attributes.get(attribute)
        return value if isinstance(value, int) else None

    def reference(self, attribute: int) -> int | None:
        """Return the global offset of the entry that an attribute refers to, None where it is absent."""
        value = self.attributes.get(attribute)
        if value is None:
            return None
        form = self.form(attribute)
        if not isinstance(value, int):
            raise Malformed(f"the entry at {self.offset:#x} refers to no entry")
        if form in dwarf.RELATIVE_FORMS:
            return self.unit.offset + value
        if form == dwarf.FORM_REF_ADDR:
            return self.unit.space.base + value
        if form == dwarf.FORM_REF_SIG8:
            return self.unit.signatures.get(value)
        if form in dwarf.ALTERNATE_FORMS and self.unit.space.alternate is not None:
            return self.unit.space.alternate.base + value
        raise Malformed(f"the entry at {self.offset:#x} refers to another one in the form {form:#x}")


@dataclass(slots=True, eq=False)
class Unit:
    """A compile, partial or type unit.

    `offset`, `end` and `first` (the place of its own entry) are global. `signatures`, shared by all units of a file,
    maps the signatures of type units to the offsets of their types.
    """

    space: Space
    offset: int
    end: int
    first: int
    layout: Layout
    abbrev_offset: int
    signatures: dict[int, int]
    entries: dict[int, Entry] = field(default_factory=dict)
    beginnings: dict[int | None, list[tuple[int, str]]] | None = None  # of functions: see `enclosing`
    _top: Entry | None = None

    def top(self) -> Entry:
        """Return the unit's own entry."""
        if self._top is None:
            table = self.space.abbrevs.at(self.abbrev_offset, self.layout)
            position = self.first - self.space.base
            code, position = uleb(self.space.info, position)
            abbrev = table.get(code)
            if abbrev is None or not abbrev.wanted:
                raise Malformed("the unit does not begin with an entry of its own")
            attributes, _ = read_attributes(self.space.info, position, abbrev, self.layout)
            self._top = Entry(self, self.first, abbrev, attributes, [])
        return self._top

    def variable(self, offset: int) -> Entry | None:
        """Return the variable at `offset`, even if it is one that is otherwise left out; None where there is none."""
        if not self.first <= offset < self.end:
            return None
        table = self.space.abbrevs.at(self.abbrev_offset, self.layout)
        code, position = uleb(self.space.info, offset - self.space.base)
        abbrev = table.get(code)
        if abbrev is None or abbrev.tag != dwarf.TAG_VARIABLE:
            return None
        attributes, _ = read_attributes(self.space.info, position, abbrev, self.layout)
        return Entry(self, offset, abbrev, attributes, LEAF)

    def indexed_text(self, index: int) -> str:
        """Return string number `index` of the unit's table of string offsets."""
        width = self.layout.offset_size
        header = (8 if width == 4 else 16) if self.layout.version >= 5 else 0
        base = self.top().number(dwarf.AT_STR_OFFSETS_BASE)
        at = (header if base is None else base) + index * width
        offset, _ = unsigned(self.space.string_offsets, at, width, self.space.little)
        return self.space.text(offset)

    def forget(self) -> None:
        """Drop the entries, which can be read again."""
        self.entries = {}
        self.beginnings = None
        self._top = None
