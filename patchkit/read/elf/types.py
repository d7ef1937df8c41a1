"""From entries to types with their sizes, and to the definitions of records, enumerations and typedefs."""

from collections.abc import Callable, Mapping

from patchkit.model.ctype import CType, Function, Tag
from patchkit.model.program import Coord, Enum, Member, Record, Typedef
from patchkit.read.elf import dwarf
from patchkit.read.elf.bytesread import uleb
from patchkit.read.elf.failure import Malformed
from patchkit.read.elf.intern import Interner
from patchkit.read.elf.keys import Keys
from patchkit.read.elf.names import basic_name
from patchkit.read.elf.unit import Entry

Definition = Record | Enum | Typedef
_DEEPEST = 100  # types inside one another
_WIDEST_ENUM = 16
_TAGS = {
    dwarf.TAG_STRUCT: Tag.STRUCT,
    dwarf.TAG_UNION: Tag.UNION,
    dwarf.TAG_ENUM: Tag.ENUM,
    dwarf.TAG_TYPEDEF: Tag.TYPEDEF,
}


class Types:
    """The types of a file by the offset of their entry.

    `lookup` finds an entry and raises Malformed where there is none; `final` holds the keys that differ from what C
    calls the type; `scalar` is the largest alignment in bytes that a basic type has inside a record. `reached` collects
    the entries of definitions that were referred to.
    """

    def __init__(
        self, lookup: Callable[[int], Entry], keys: Keys, interner: Interner, final: Mapping[int, str], scalar: int
    ) -> None:
        self._lookup = lookup
        self._keys = keys
        self._make = interner
        self._final = final
        self._scalar = scalar
        self._types: dict[int, CType] = {}
        self._sizes: dict[int, int] = {}
        self._aligns: dict[int, int] = {}
        self._active: set[int] = set()
        self.reached: list[Entry] = []

    def key(self, entry: Entry) -> str:
        """Return the final key of a definition."""
        return self._final.get(entry.offset) or self._keys.key(entry)

    def refers_to(self, entry: Entry) -> bool:
        """Whether any type that was made so far refers to the definition `entry`."""
        return entry.offset in self._types

    def of(self, offset: int | None) -> CType:
        """Return the type whose entry is at `offset`, void for None."""
        if offset is None:
            return self._make.void
        known = self._types.get(offset)
        if known is None:
            self._enter(offset)
            known = self._types[offset] = self._build(self._lookup(offset))
            self._active.discard(offset)
        return known

    def size(self, offset: int | None) -> int:
        """Return the size in bytes of the type at `offset`; 0 where it has none."""
        if offset is None:
            return 0
        known = self._sizes.get(offset)
        if known is None:
            self._enter(~offset)
            known = self._sizes[offset] = self._measure(self._lookup(offset))
            self._active.discard(~offset)
        return known

    def _enter(self, mark: int) -> None:
        if mark in self._active or len(self._active) > _DEEPEST:
            self._active.clear()
            raise Malformed("a type is part of itself, or types are nested beyond reason")
        self._active.add(mark)

    def _build(self, entry: Entry) -> CType:
        tag, make = entry.tag, self._make
        if tag in _TAGS:
            return self._named(entry)
        if tag == dwarf.TAG_POINTER:
            return make.pointer(self.of(entry.reference(dwarf.AT_TYPE)))
        if tag in dwarf.QUALIFIER_TAGS:
            return make.qualified(self.of(entry.reference(dwarf.AT_TYPE)), dwarf.QUALIFIER_TAGS[tag])
        if tag == dwarf.TAG_BASE:
            encoding = entry.number(dwarf.AT_ENCODING)
            size = entry.number(dwarf.AT_BYTE_SIZE) or 0
            if not entry.name:
                raise Malformed(f"the basic type at {entry.offset:#x} has no name")
            return make.primitive(basic_name(entry.name, size, encoding == dwarf.ENCODING_USER))
        if tag == dwarf.TAG_ARRAY:
            return self._array(entry)
        if tag == dwarf.TAG_SUBROUTINE:
            return self.function(entry)
        if tag == dwarf.TAG_UNSPECIFIED_TYPE:
            return make.opaque(entry.name or "unspecified")
        raise Malformed(f"the entry at {entry.offset:#x} is used as a type and is none")

    def _named(self, entry: Entry) -> CType:
        signature = entry.reference(dwarf.AT_SIGNATURE) if dwarf.AT_SIGNATURE in entry.attributes else None
        if signature is not None and signature != entry.offset:
            return self.of(signature)
        self.reached.append(entry)
        return self._make.named(_TAGS[entry.tag], self.key(entry))

    def _array(self, entry: Entry) -> CType:
        if entry.has(dwarf.AT_GNU_VECTOR):
            return self._make.vector(self.of(entry.reference(dwarf.AT_TYPE)), self.size(entry.offset))
        built = self.of(entry.reference(dwarf.AT_TYPE))
        for child in reversed(entry.children):
            if child.tag == dwarf.TAG_SUBRANGE:
                built = self._make.array(built, _bound(child))
        return built

    def function(self, entry: Entry) -> Function:
        """Return the type of a function, from its own entry or that of its type."""
        parameters = [
            self.of(child.reference(dwarf.AT_TYPE)) for child in entry.children if child.tag == dwarf.TAG_PARAMETER
        ]
        more = any(child.tag == dwarf.TAG_UNSPECIFIED_PARAMETERS for child in entry.children)
        prototyped = entry.has(dwarf.AT_PROTOTYPED)
        result = self.of(entry.reference(dwarf.AT_TYPE))
        return self._make.function(result, parameters, more and prototyped, prototyped)

    def _measure(self, entry: Entry) -> int:
        size = entry.number(dwarf.AT_BYTE_SIZE)
        if size is not None:
            return size
        tag = entry.tag
        if tag == dwarf.TAG_POINTER:
            return entry.unit.layout.address_size
        if tag == dwarf.TAG_TYPEDEF or tag in dwarf.QUALIFIER_TAGS:
            size = self.size(entry.reference(dwarf.AT_TYPE))
            if tag == dwarf.TAG_ATOMIC and size < 16 and "clang" in entry.unit.top().text(dwarf.AT_PRODUCER):
                size = 1 << (size - 1).bit_length() if size else 0  # clang pads what is atomic, gcc does not
            return size
        if tag == dwarf.TAG_ARRAY:
            size = self.size(entry.reference(dwarf.AT_TYPE))
            for child in entry.children:
                if child.tag == dwarf.TAG_SUBRANGE:
                    size *= _bound(child) or 0
            if size >> 80:
                raise Malformed(f"the array at {entry.offset:#x} is larger than memory")
            return size
        if tag in _TAGS and dwarf.AT_SIGNATURE in entry.attributes:
            signature = entry.reference(dwarf.AT_SIGNATURE)
            return self.size(signature) if signature != entry.offset else 0
        return 0

    def align(self, offset: int | None) -> int:
        """Return the alignment in bytes that a type has inside a record, as far as debug information tells."""
        if offset is None:
            return 1
        known = self._aligns.get(offset)
        if known is None:
            self._aligns[offset] = 1  # for what contains itself
            known = self._aligns[offset] = self._alignment(self._lookup(offset), offset)
        return known

    def _alignment(self, entry: Entry, offset: int) -> int:
        declared = entry.number(dwarf.AT_ALIGNMENT)
        if declared:
            return declared
        tag = entry.tag
        if tag in dwarf.RECORD_TAGS:
            if dwarf.AT_SIGNATURE in entry.attributes:
                return self.align(entry.reference(dwarf.AT_SIGNATURE))
            return self._record_alignment(entry)
        if tag == dwarf.TAG_ATOMIC:
            size = self.size(offset)
            return max(self.align(entry.reference(dwarf.AT_TYPE)), size if size in (1, 2, 4, 8, 16) else 1)
        if tag == dwarf.TAG_TYPEDEF or tag in dwarf.QUALIFIER_TAGS:
            return self.align(entry.reference(dwarf.AT_TYPE))
        size = self.size(offset)
        if tag == dwarf.TAG_ARRAY:
            return size or 1 if entry.has(dwarf.AT_GNU_VECTOR) else self.align(entry.reference(dwarf.AT_TYPE))
        if entry.number(dwarf.AT_ENCODING) in (dwarf.ENCODING_COMPLEX, dwarf.ENCODING_USER) and tag == dwarf.TAG_BASE:
            size //= 2
        return min(size & -size, self._scalar) or 1

    def _record_alignment(self, entry: Entry) -> int:
        """Members cannot be aligned more than they stand: a packed record shows itself by that alone."""
        largest = 1
        for child in entry.children:
            if child.tag == dwarf.TAG_MEMBER:
                declared = child.number(dwarf.AT_ALIGNMENT)
                align = declared or self.align(child.reference(dwarf.AT_TYPE))
                place, width = self._place(child)
                if width is None:
                    while align > 1 and place % (align * 8):
                        align //= 2
                elif place % (align * 8) + width > align * 8:
                    align = 1
                largest = max(largest, align)
        size = entry.number(dwarf.AT_BYTE_SIZE) or 0
        while largest > 1 and size % largest:
            largest //= 2
        return largest

    def definition(self, entry: Entry, coord: Coord) -> Definition | None:
        """Return what the entry defines, None where it only declares."""
        if entry.has(dwarf.AT_DECLARATION) or dwarf.AT_SIGNATURE in entry.attributes:
            return None
        key = self.key(entry)
        if entry.tag == dwarf.TAG_TYPEDEF:
            return Typedef(key, coord, self.of(entry.reference(dwarf.AT_TYPE)))
        size = entry.number(dwarf.AT_BYTE_SIZE) or 0
        if entry.tag == dwarf.TAG_ENUM:
            return self._enum(entry, key, coord, size)
        parent = self._keys.parent(entry)
        return Record(
            key=key,
            tag=_TAGS[entry.tag],
            coord=coord,
            size=size,
            align=self.align(entry.offset),
            members=tuple(self._member(child) for child in entry.children if child.tag == dwarf.TAG_MEMBER),
            attributes=("aligned",) if entry.number(dwarf.AT_ALIGNMENT) else (),
            parent=self.key(parent) if parent is not None else "",
        )

    def _member(self, entry: Entry) -> Member:
        place, width = self._place(entry)
        offset = entry.reference(dwarf.AT_TYPE)
        return Member(entry.name, self.of(offset), place, self.size(offset) * 8 if width is None else width, width)

    def _place(self, entry: Entry) -> tuple[int, int | None]:
        """Return the member's offset in bits, and its width where it is a bit-field. Source: DWARF 5, section 5.7.6."""
        width = entry.number(dwarf.AT_BIT_SIZE)
        exact = entry.number(dwarf.AT_DATA_BIT_OFFSET)
        if exact is not None:
            return exact, width
        location = entry.attributes.get(dwarf.AT_DATA_MEMBER_LOCATION, 0)
        if isinstance(location, bytes):
            location = _constant_location(location, entry.offset)
        assert isinstance(location, int)
        bits = location * 8
        first = entry.number(dwarf.AT_BIT_OFFSET)
        if first is None or width is None:
            return bits, width
        if first >= 1 << 63:
            first -= 1 << 64  # clang writes a negative number in an unsigned form
        if not entry.unit.layout.little:
            return bits + first, width
        # DWARF 3 counts from the most significant bit of the storage unit.
        offset = entry.reference(dwarf.AT_TYPE)
        storage = entry.number(dwarf.AT_BYTE_SIZE)
        place = bits + (self.size(offset) if storage is None else storage) * 8 - first - width
        # clang writes an atomic member that it pads as if it were a bit-field.
        return place, None if self._is_atomic(offset) and width == self.size(offset) * 8 else width

    def _is_atomic(self, offset: int | None) -> bool:
        return offset is not None and self._lookup(offset).tag == dwarf.TAG_ATOMIC

    def _enum(self, entry: Entry, key: str, coord: Coord, size: int) -> Enum:
        values: list[tuple[str, int]] = []
        for child in entry.children:
            if child.tag == dwarf.TAG_ENUMERATOR:
                value = child.number(dwarf.AT_CONST_VALUE)
                if value is None:
                    raise Malformed(f"the constant {child.name} has no value")
                values.append((child.name, value))
        encoding = entry.number(dwarf.AT_ENCODING)
        underlying = entry.reference(dwarf.AT_TYPE)
        if encoding is None and underlying is not None:
            encoding = self._lookup(underlying).number(dwarf.AT_ENCODING)
        signed = any(value < 0 for _, value in values) if encoding is None else encoding in dwarf.ENCODINGS_SIGNED
        if size > _WIDEST_ENUM:
            raise Malformed(f"the enumeration at {entry.offset:#x} is wider than any number")
        if signed and size:
            limit = 1 << (size * 8 - 1)
            values = [(name, value - 2 * limit if limit <= value < 2 * limit else value) for name, value in values]
        return Enum(key, coord, tuple(values), size or self.size(underlying), signed)


def _bound(entry: Entry) -> int | None:
    """Return the number of elements that a subrange says, None where it says none or one that is computed."""
    count = entry.number(dwarf.AT_COUNT)
    if count is not None:
        return count if entry.form(dwarf.AT_COUNT) not in dwarf.RELATIVE_FORMS else None
    upper = entry.number(dwarf.AT_UPPER_BOUND)
    if upper is None or entry.form(dwarf.AT_UPPER_BOUND) in dwarf.RELATIVE_FORMS:
        return None
    return (upper + 1) & 0xFFFFFFFFFFFFFFFF


def _constant_location(expression: bytes, offset: int) -> int:
    if expression and expression[0] in (dwarf.OP_PLUS_UCONST, dwarf.OP_CONSTU):
        value, end = uleb(expression, 1)
        if end == len(expression):
            return value
    raise Malformed(f"the member at {offset:#x} lies at a place that is computed at run time")
