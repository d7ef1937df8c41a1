"""Objects as JSON values and as bytes: what a file of samples says, and what a process holds.

A struct is a dictionary by member, the members of unnamed ones among those of their holder; what is left out is zero.
An array is a list, of characters a string. A union is one member, or `{"bytes": "hexadecimal"}`, as is anything that no
number can say. An enumeration is the name of a constant or a number. A pointer is null, `"&2"` for object 2 of the same
file, `"&2+8"` for what lies in it, `{"text": "..."}`, or `{"address": "0x..."}` for what the file does not hold.
"""

import math
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from patchkit.diff.types import Scalar, ScalarKind, Types
from patchkit.model.ctype import Array, CType, Named, Tag
from patchkit.model.program import Record

Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]
Place = Callable[[Value], int]  # the address that a pointer's value means
Spell = Callable[[int, CType], Value]  # the value for an address in a pointer of that type
_FLOATS = {4: "<f", 8: "<d"}


class ValueProblem(Exception):
    """A value does not fit its type; the text names the member and says what would."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in an object: bits from its start, with the name that leads there."""

    path: str
    bit: int
    bits: int


def encode(types: Types, record: Record, value: Value, place: Place) -> bytes:
    """Return the bytes of an object of `record`, its flexible array included. Raises ValueProblem."""
    buffer = bytearray(record.size)
    _write(buffer, types, Named(record.tag, record.key), Spot(record.key, 0, record.size * 8), value, place)
    return bytes(buffer)


def _write(buffer: bytearray, types: Types, ctype: CType, at: Spot, value: Value, place: Place) -> None:
    bare, scalar = types.bare(ctype), types.scalar(ctype)
    record = types.record(bare)
    raw = value.get("bytes") if isinstance(value, dict) and value.keys() == {"bytes"} else None
    if isinstance(raw, str):
        _bytes(buffer, at, raw)
    elif isinstance(bare, Array):
        _array(buffer, types, bare, at, value, place)
    elif record is not None:
        _record(buffer, types, record, at, value, place)
    elif scalar is not None and scalar.kind is ScalarKind.POINTER:
        _put(buffer, at, place(value))
    elif scalar is not None and scalar.kind is ScalarKind.FLOAT and at.bits // 8 in _FLOATS:
        if not isinstance(value, int | float):
            raise ValueProblem(f"{at.path} is a floating-point number, not {value!r}")
        _put(buffer, at, int.from_bytes(struct.pack(_FLOATS[at.bits // 8], value), "little"))
    elif scalar is not None and scalar.kind is not ScalarKind.FLOAT and at.bits:
        _put(buffer, at, _integer(types, bare, scalar, at, value))
    else:
        raise ValueProblem(f'{at.path} is given as {{"bytes": "hexadecimal"}}, {at.bits // 8} of them')


def _put(buffer: bytearray, at: Spot, value: int) -> None:
    """Write `value` in two's complement, whose bits begin with the lowest."""
    first, last = at.bit // 8, (at.bit + at.bits + 7) // 8
    shift = at.bit % 8
    mask = ((1 << at.bits) - 1) << shift
    word = int.from_bytes(buffer[first:last], "little") & ~mask
    buffer[first:last] = (word | (value << shift & mask)).to_bytes(last - first, "little")


def _bytes(buffer: bytearray, at: Spot, text: str) -> None:
    try:
        data = bytes.fromhex(text)
    except ValueError:
        raise ValueProblem(f"{at.path}: `{text}` is not hexadecimal") from None
    if len(data) > at.bits // 8:
        raise ValueProblem(f"{at.path} has {at.bits // 8} bytes, not {len(data)}")
    buffer[at.bit // 8 : at.bit // 8 + len(data)] = data


def _integer(types: Types, bare: CType, scalar: Scalar, at: Spot, value: Value) -> int:
    enum = types.enum(bare)
    if isinstance(value, str) and enum is not None:
        constants = dict(enum.constants)
        if value not in constants:
            raise ValueProblem(f"{at.path}: {enum.key} has no {value}, but {', '.join(constants)}")
        value = constants[value]
    if not isinstance(value, int):
        raise ValueProblem(f"{at.path} is a number, not {value!r}")
    low, high = bounds(scalar, at.bits)
    if not low <= value <= high:
        raise ValueProblem(f"{at.path} holds {low} to {high}, not {value}")
    return int(value)


def bounds(scalar: Scalar, bits: int) -> tuple[int, int]:
    """Return the lowest and the highest number that `bits` hold."""
    if scalar.kind is ScalarKind.BOOL:
        return 0, 1
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if scalar.signed else (0, (1 << bits) - 1)


def _array(buffer: bytearray, types: Types, bare: Array, at: Spot, value: Value, place: Place) -> None:
    if isinstance(value, str) and types.is_char(bare.element):
        value = [*value.encode("utf-8", "surrogateescape")]
        if bare.length and len(value) > bare.length:
            raise ValueProblem(f"{at.path} has room for {bare.length} characters, not {len(value)}")
        start, room = at.bit // 8, len(value)
        if not bare.length:
            buffer.extend(bytes(max(0, start + room - len(buffer))))
        buffer[start : start + room] = bytes(value)  # type: ignore[arg-type]
        return
    if not isinstance(value, list):
        raise ValueProblem(f"{at.path} is an array, so a list, not {value!r}")
    step = types.size(bare.element) * 8
    if bare.length and len(value) > bare.length:
        raise ValueProblem(f"{at.path} has {bare.length} elements, not {len(value)}")
    if not bare.length:
        buffer.extend(bytes(max(0, (at.bit + step * len(value) + 7) // 8 - len(buffer))))
    for number, each in enumerate(value):
        spot = Spot(f"{at.path}[{number}]", at.bit + number * step, step)
        _write(buffer, types, bare.element, spot, each, place)


def _record(buffer: bytearray, types: Types, record: Record, at: Spot, value: Value, place: Place) -> None:
    if not isinstance(value, dict):
        raise ValueProblem(f"{at.path} is a {record.tag}, so a dictionary by member, not {value!r}")
    known = {member.name: (member, bit) for member, bit in types.named_members(record, at.bit)}
    for name, each in value.items():
        if name not in known:
            raise ValueProblem(f"{record.key} has no member {name}, but {', '.join(known)}")
        member, bit = known[name]
        bits = member.width if member.width is not None else member.size
        _write(buffer, types, member.type, Spot(f"{at.path}.{name}", bit, bits), each, place)


# -- from bytes


def decode(types: Types, record: Record, data: bytes, spell: Spell, tail: int = 0) -> Value:
    """Return the object of `record` that `data` is; `tail` elements of its flexible array."""
    whole = Spot(record.key, 0, record.size * 8)
    return _read(data, types, Named(record.tag, record.key), whole, spell, tail)


def _read(data: bytes, types: Types, ctype: CType, at: Spot, spell: Spell, tail: int) -> Value:
    bare, scalar = types.bare(ctype), types.scalar(ctype)
    if isinstance(bare, Array):
        return _elements(data, types, bare, at, spell, tail)
    record = types.record(bare)
    if record is not None and record.tag is not Tag.UNION:
        found: dict[str, Value] = {}
        for member, bit in types.named_members(record, at.bit):
            bits = member.width if member.width is not None else member.size
            found[member.name] = _read(data, types, member.type, Spot(member.name, bit, bits), spell, tail)
        return found
    raw = data[at.bit // 8 : (at.bit + at.bits + 7) // 8]
    word = int.from_bytes(raw, "little") >> at.bit % 8 & (1 << at.bits) - 1
    if scalar is None or not at.bits:
        return {"bytes": raw.hex()}
    if scalar.kind is ScalarKind.POINTER:
        return spell(word, bare)
    if scalar.kind is ScalarKind.FLOAT:
        number = struct.unpack(_FLOATS[len(raw)], raw)[0] if len(raw) in _FLOATS else math.nan
        return number if math.isfinite(number) else {"bytes": raw.hex()}
    if scalar.kind is ScalarKind.BOOL:
        return bool(word) if word < 2 else {"bytes": raw.hex()}
    value = word - (1 << at.bits) if scalar.signed and word >> at.bits - 1 else word
    enum = types.enum(bare)
    names = {number: name for name, number in reversed(enum.constants)} if enum is not None else {}
    return names.get(value, value)


def _elements(data: bytes, types: Types, bare: Array, at: Spot, spell: Spell, tail: int) -> Value:
    step, count = types.size(bare.element), bare.length or tail
    start = at.bit // 8
    if types.is_char(bare.element):
        text = data[start : start + count]
        kept = text.rstrip(b"\0")
        return kept.decode("utf-8", "surrogateescape")
    spots = (Spot(f"{at.path}[{n}]", at.bit + n * step * 8, step * 8) for n in range(count))
    return [_read(data, types, bare.element, spot, spell, 0) for spot in spots]


def differences(expected: Value, found: Value, path: str) -> Iterator[tuple[str, Value, Value]]:
    """Yield (path, expected, found) where they differ; members that `expected` leaves out may be anything."""
    if isinstance(expected, dict) and isinstance(found, Mapping) and expected.keys() <= found.keys():
        for name, each in expected.items():
            yield from differences(each, found[name], f"{path}.{name}" if path else name)
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) <= len(found):
        for number, each in enumerate(expected):
            yield from differences(each, found[number], f"{path}[{number}]")
    elif expected != found:
        yield path, expected, found
