"""Records laid out as the x86-64 ABI lays them out, for comparisons that are written down rather than read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from patchkit.model.change import LayoutPair, PlacedMember
from patchkit.model.ctype import Array, CType, Named, Pointer, Primitive, Qualified, Tag, spell
from patchkit.model.program import Member

INT = Primitive("int")
UINT = Primitive("unsigned int")
LONG = Primitive("long int")
ULL = Primitive("long long unsigned int")
CHAR = Primitive("char")
SHORT = Primitive("short int")
BOOL = Primitive("_Bool")
DOUBLE = Primitive("double")
TEXT = Pointer(CHAR)
UNTYPED = Pointer(Primitive("void"))

_BYTES = {"_Bool": 1, "char": 1, "short int": 2, "int": 4, "unsigned int": 4}


@dataclass(frozen=True, slots=True)
class Field:
    """A member before it has a place; `size` and `align` in bytes override its type's, `width` makes a bit-field."""

    name: str
    type: CType
    width: int | None = None
    size: int | None = None
    align: int | None = None


@dataclass(frozen=True, slots=True)
class Laid:
    """A laid out struct: members in order and size in bytes."""

    members: tuple[Member, ...]
    size: int

    def __getitem__(self, name: str) -> Member:
        return next(member for member in self.members if member.name == name)


def struct(key: str) -> Named:
    """Return a reference to `struct key`."""
    return Named(Tag.STRUCT, f"struct {key}")


def lay(*fields: Field) -> Laid:
    """Place `fields` one after the other, bit-fields packed as the System V ABI says."""
    offset, widest, members = 0, 1, []
    for field in fields:
        size = 8 * (field.size if field.size is not None else _size(field.type))
        align = 8 * (field.align or _align(field.type))
        widest = max(widest, align // 8)
        if field.width is None:
            offset = _up(offset, align)
            members.append(Member(field.name, field.type, offset, size))
            offset += size
            continue
        if field.width == 0 or offset // size != (offset + field.width - 1) // size:
            offset = _up(offset, size)
        if field.width:
            members.append(Member(field.name, field.type, offset, field.width, field.width))
        offset += field.width
    return Laid(tuple(members), _up(offset, 8 * widest) // 8)


def declare(member: Member) -> str:
    """Return the C declaration of `member`."""
    return spell(member.type, member.name) + (f" : {member.width}" if member.width is not None else "")


def pair(old: Laid | None, new: Laid | None, kinds: Mapping[str, str] | None = None) -> LayoutPair:
    """Return both layouts as they are drawn, with `kinds` by member name."""
    marks = kinds or {}
    return LayoutPair(
        old.size if old else 0,
        new.size if new else 0,
        tuple(_placed(old.members, marks)) if old else (),
        tuple(_placed(new.members, marks)) if new else (),
    )


def _placed(members: Iterable[Member], marks: Mapping[str, str]) -> Iterable[PlacedMember]:
    for member in members:
        yield PlacedMember(member.name, declare(member), member.offset, member.size, marks.get(member.name, ""))


def _size(ctype: CType) -> int:
    match ctype:
        case Primitive(name):
            return _BYTES.get(name, 8)
        case Array(element, length):
            return _size(element) * (length or 0)
        case Qualified(_, target):
            return _size(target)
        case _:
            return 8


def _align(ctype: CType) -> int:
    match ctype:
        case Array(element, _):
            return _align(element)
        case Qualified(_, target):
            return _align(target)
        case _:
            return _size(ctype)


def _up(offset: int, align: int) -> int:
    return -(-offset // align) * align
