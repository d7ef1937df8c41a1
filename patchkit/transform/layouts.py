"""One record of a frozen header: its declaration, such that every compiler gives it the layout that was recorded.

Plain C is preferred, because people read it. Whether plain C would be laid out as recorded is foreseen here by the
rules of the System V ABI; where it would not, all bytes are placed by hand in a packed record. The assertions that
follow each record prove it either way, so a wrong guess is a compiler's error and never a wrong byte.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from patchkit.diff.types import Types, is_foreign
from patchkit.model.ctype import (
    Array,
    CType,
    Named,
    Opaque,
    Primitive,
    Qualified,
    Tag,
    Vector,
    spell,
    unqualified,
)
from patchkit.model.program import Member, Record
from patchkit.transform.names import Names, c_primitive, integer

_LARGEST_ALIGNMENT = 16  # of a basic type, in bytes


@dataclass(frozen=True, slots=True)
class Field:
    """A member as the frozen header declares it; `offset` in bits, `size` and `align` in bytes of what is declared."""

    text: str
    offset: int
    size: int
    align: int
    width: int | None = None
    name: str = ""
    remark: str = ""


def declare_record(names: Names, record: Record) -> list[str]:
    """Return the lines that define `record` and prove its layout."""
    head = names.record(record.key)
    if is_foreign(record.coord):
        return _opaque(head, record)
    lines = _definition(names, record, head)
    lines[-1] += ";"
    lines.append(f"PK_SIZE({head}, {record.size}, {max(record.align, 1)});")
    for path, offset, size in _places(names.types, record, 0):
        check = f"PK_PLACE({head}, {path}, {offset // 8}, {size // 8});"
        lines.append(check if size else f"PK_START({head}, {path}, {offset // 8});")
    return lines


def _opaque(head: str, record: Record) -> list[str]:
    """A record of the system's: bytes, so that nothing depends on what is inside."""
    align = max(record.align, 1)
    return [
        f"{head} {{ /* {record.key}, as {record.coord.file} has it */",
        f"    unsigned char bytes[{record.size}];",
        f"}} __attribute__((aligned({align})));",
        f"PK_SIZE({head}, {record.size}, {align});",
    ]


def _definition(names: Names, record: Record, head: str) -> list[str]:
    """The definition up to its closing brace and attributes; `head` is only the tag for an unnamed member."""
    fields = [_field(names, record, member, number) for number, member in enumerate(record.members)]
    attributes = _foreseen(fields, record, packed=False)
    if attributes is None:
        fields = [_as_int(field) for field in fields]
        attributes = _foreseen(fields, record, packed=True)
    if attributes is None:
        fields, attributes = list(_placed_by_hand(fields, record)), ("packed", f"aligned({max(record.align, 1)})")
    body = [line for field in fields for line in _lines(field)]
    written = f" __attribute__(({', '.join(attributes)}))" if attributes else ""
    return [f"{head} {{", *body, f"}}{written}"]


def _lines(field: Field) -> Iterator[str]:
    text, *rest = field.text.splitlines()
    remark = f" /* {field.remark} */" if field.remark else ""
    if rest:
        yield from (f"    {line}" for line in (text, *rest[:-1]))
        text = rest[-1]
    yield f"    {text};{remark}"


# -- fields


def _field(names: Names, record: Record, member: Member, number: int) -> Field:
    types = names.types
    bare = types.bare(member.type)
    if member.width is not None:
        return _bit_field(types, member)
    inner = types.record(member.type) if not member.name else None
    if inner is not None:
        text = "\n".join(_definition(names, inner, str(inner.tag)))
        return Field(text, member.offset, inner.size, max(inner.align, 1))
    if not member.name:
        return Field(f"unsigned char pk_unnamed_{number}[{member.size // 8}]", member.offset, member.size // 8, 1)
    ctype = as_built(types, member.type, member.size // 8)
    size, align = measure(types, ctype)
    flexible = isinstance(bare, Array) and not bare.length
    if not align or (size * 8 != member.size and not flexible):
        text = f"unsigned char {member.name}[{member.size // 8}]"
        return Field(text, member.offset, member.size // 8, 1, None, member.name, spell(member.type, member.name))
    remark = "_Atomic" if _is_atomic(types, member.type) else ""
    text = names.spell(assignable(names, ctype), member.name)
    return Field(text, member.offset, size, align, None, member.name, remark)


def _bit_field(types: Types, member: Member) -> Field:
    """A bit-field under an integer type; an enumeration that is too wide for its bits would be warned of."""
    bare, scalar = types.bare(member.type), types.scalar(member.type)
    size = scalar.size if scalar is not None and scalar.size else 4
    remark = ""
    if isinstance(bare, Primitive) and c_primitive(bare.name):
        spelled = bare.name
    else:
        spelled = integer(size, signed=scalar is not None and scalar.signed)
        remark = spell(member.type)
    text = f"{spelled} {member.name} : {member.width}".replace("  ", " ")
    return Field(text, member.offset, size, size, member.width, member.name, remark)


def assignable(names: Names, ctype: CType) -> CType:
    """Return the type of a member without what would keep a conversion from writing it: const, volatile, _Atomic."""
    resolved = unqualified(ctype)
    if isinstance(resolved, Named) and resolved.tag is Tag.TYPEDEF:
        meaning = names.types.resolve(resolved)
        return resolved if meaning == _stripped(names.types, meaning) else _stripped(names.types, meaning)
    return _stripped(names.types, resolved)


def _stripped(types: Types, ctype: CType) -> CType:
    resolved = unqualified(ctype)
    if isinstance(resolved, Array):
        element = resolved.element
        meaning = types.resolve(element)
        kept = element if not isinstance(meaning, Qualified | Array) else _stripped(types, meaning)
        return Array(kept, resolved.length)
    return resolved


def _is_atomic(types: Types, ctype: CType) -> bool:
    resolved = types.resolve(ctype)
    while isinstance(resolved, Array):
        resolved = types.resolve(resolved.element)
    return isinstance(resolved, Qualified) and "_Atomic" in resolved.qualifiers


def measure(types: Types, ctype: CType) -> tuple[int, int]:
    """Return size and alignment in bytes of `ctype` as the header declares it; alignment 0: it cannot be declared."""
    bare = types.bare(ctype)
    match bare:
        case Array(element, length):
            size, align = measure(types, element)
            return size * (length or 0), align
        case Named(Tag.STRUCT | Tag.UNION, key):
            record = types.program.records.get(key)
            return (record.size, max(record.align, 1)) if record is not None else (0, 0)
        case Vector() | Opaque():
            return 0, 0
        case Primitive(name) if not c_primitive(name):
            return 0, 0
        case Primitive(name) if name.startswith("complex "):
            size, align = measure(types, Primitive(name.removeprefix("complex ")))
            return 2 * size, align
        case _:
            scalar = types.scalar(bare)
            if scalar is None or not scalar.size:
                return 0, 0
            return scalar.size, min(scalar.size, _LARGEST_ALIGNMENT)


def as_built(types: Types, ctype: CType, size: int) -> CType:
    """Return the type of a member of `size` bytes under the compiler's usual flags: -mlong-double-64 makes a double."""
    bare = types.bare(ctype)
    if isinstance(bare, Array) and bare.length:
        return Array(as_built(types, bare.element, size // bare.length), bare.length)
    return Primitive("double") if bare == Primitive("long double") and size == 8 else ctype


def is_raw(types: Types, member: Member) -> bool:
    """Whether the header declares a member as bytes, because no compiler-independent spelling of its type exists."""
    bare = types.bare(as_built(types, member.type, member.size // 8))
    size, align = measure(types, bare)
    flexible = isinstance(bare, Array) and not bare.length
    return member.width is None and (not align or (size * 8 != member.size and not flexible))


# -- placing


def _foreseen(fields: list[Field], record: Record, *, packed: bool) -> tuple[str, ...] | None:
    """The attributes with which `fields` alone are laid out as recorded, None where they are not."""
    end, strictest, highest = 0, 1, 0
    for field in fields:
        align = 1 if packed else field.align
        unit = 8 * field.size
        start = 0 if record.tag is Tag.UNION else end
        if field.width is None:
            start = _up(start, 8 * align)
        elif field.width == 0 or (not packed and start // unit != (start + field.width - 1) // unit):
            start = _up(start, unit)
        if start != field.offset and field.width != 0:
            return None
        if field.name or field.width is None:
            strictest = max(strictest, align)
        end = start + (8 * field.size if field.width is None else field.width)
        highest = max(highest, end)
    align = max(record.align, 1)
    if align < strictest or _up(_up(highest, 8) // 8, align) != record.size:
        return None
    aligned = (f"aligned({align})",) if align > strictest else ()
    return ("packed", *aligned) if packed else aligned


def _placed_by_hand(fields: list[Field], record: Record) -> Iterator[Field]:
    """`fields` with the gaps between them filled, for a packed record."""
    if record.tag is Tag.UNION:
        yield from (field for field in fields if field.name or field.width is None)
        yield Field(f"unsigned char pk_bytes[{record.size}]", 0, record.size, 1)
        return
    end = 0
    for field in sorted(fields, key=lambda each: each.offset):
        if field.width is not None and not field.name:
            continue
        yield from _gap(end, field.offset)
        yield field
        end = field.offset + (8 * field.size if field.width is None else field.width)
    yield from _gap(end, 8 * record.size)


def _as_int(field: Field) -> Field:
    """In a packed record the type of a bit-field does not matter, and gcc has a remark about characters."""
    if field.width is None or " char " not in f" {field.text}":
        return field
    word = "unsigned int" if field.text.startswith("unsigned") else "int"
    return replace(field, text=f"{word} {field.name} : {field.width}")


def _gap(start: int, end: int) -> Iterator[Field]:
    whole = min(_up(start, 8), end)
    if whole > start:
        yield Field(f"unsigned int : {whole - start}", start, 1, 1, whole - start)
    if end - whole >= 8:
        yield Field(f"unsigned char pk_gap_{whole // 8}[{(end - whole) // 8}]", whole, (end - whole) // 8, 1)
    if (end - whole) % 8 and end > whole:
        yield Field(f"unsigned int : {(end - whole) % 8}", end // 8 * 8, 1, 1, (end - whole) % 8)


def _places(types: Types, record: Record, base: int) -> Iterator[tuple[str, int, int]]:
    """Path, offset and size in bits of every member that has an address, those of unnamed members included."""
    for member, offset in types.named_members(record, base):
        if member.width is None:
            yield member.name, offset, member.size


def _up(value: int, unit: int) -> int:
    return -(-value // unit) * unit


def loosely_placed(types: Types) -> frozenset[str]:
    """Return the keys of records that some record holds where they are not aligned, as a packed one does."""
    inside: dict[str, set[str]] = {}
    found = set[str]()
    for key, record in types.program.records.items():
        for member in record.members:
            inner = types.record(member.type) if member.width is None else None
            if inner is None:
                continue
            inside.setdefault(key, set()).add(inner.key)
            if record.align < inner.align or member.offset // 8 % max(inner.align, 1):
                found.add(inner.key)
    waiting = list(found)
    while waiting:
        more = inside.get(waiting.pop(), set()) - found
        found |= more
        waiting += more
    return frozenset(found)
