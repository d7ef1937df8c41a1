"""The members of a record that hold a value, one by one, with the bits that each takes: padding is in none of them."""

from collections.abc import Iterator
from dataclasses import dataclass

from patchkit.diff.types import Types
from patchkit.model.ctype import Array, CType, Named, Primitive, Tag
from patchkit.model.program import Record

_EXTENDED_BITS = 80  # of a long double that takes 16 bytes


@dataclass(frozen=True, slots=True)
class Leaf:
    """A member without parts. `path` leads to it from the record (`stats.hits[2]`), `bit` and `bits` say where it is.

    `keys` are the records that it lies in, the outermost first. `union` marks the leaves of a union, of which a
    conversion writes as many as it likes: it stands for the union as a whole.
    """

    path: str
    type: CType
    bit: int
    bits: int
    keys: tuple[str, ...]
    union: bool = False

    def value_in(self, data: bytes) -> int:
        """Return the bits of the member in an object whose bytes are `data`, as a number without sign."""
        first, last = self.bit // 8, (self.bit + self.bits + 7) // 8
        return int.from_bytes(data[first:last], "little") >> self.bit % 8 & (1 << self.bits) - 1


def leaves(types: Types, record: Record) -> Iterator[Leaf]:
    """Yield the members of `record` that hold values, those of records inside of it included."""
    yield from _record(types, record, "", 0, ())


def _record(types: Types, record: Record, path: str, bit: int, keys: tuple[str, ...]) -> Iterator[Leaf]:
    keys = (*keys, record.key)
    if record.tag is Tag.UNION:
        yield Leaf(path.rstrip("."), Named(record.tag, record.key), bit, record.size * 8, keys, union=True)
        return
    for member in record.members:
        if member.width is not None:
            if member.name:
                yield Leaf(f"{path}{member.name}", member.type, bit + member.offset, member.width, keys)
        elif member.size:
            at = f"{path}{member.name}" if member.name else path.rstrip(".")
            yield from within(types, member.type, at, bit + member.offset, member.size, keys)


def within(types: Types, ctype: CType, path: str, bit: int, bits: int, keys: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Yield the leaves of an object of `ctype` that takes `bits` from `bit` on."""
    bare = types.bare(ctype)
    inner = types.record(bare)
    if isinstance(bare, Array) and bare.length:
        step = bits // bare.length
        if inner is None and types.is_char(bare.element):
            yield Leaf(path, ctype, bit, bits, keys)  # text is one value
            return
        for number in range(bare.length):
            yield from within(types, bare.element, f"{path}[{number}]", bit + number * step, step, keys)
    elif inner is not None and not isinstance(bare, Array):
        yield from _record(types, inner, f"{path}." if path else "", bit, keys)
    elif bare == Primitive("long double") and bits == 128:
        yield Leaf(path, ctype, bit, _EXTENDED_BITS, keys)
    else:
        yield Leaf(path, ctype, bit, bits, keys)
