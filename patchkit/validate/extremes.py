"""Sample objects at the extremes of each member: numbers at both ends, each constant, NULL and shared pointers."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from patchkit.diff.pair import Pair
from patchkit.diff.types import ScalarKind, Types, is_foreign
from patchkit.model.ctype import Array, CType, Pointer, Tag
from patchkit.model.decision import Decisions, Topic
from patchkit.model.program import Member, Record
from patchkit.transform.shapes import COUNTS
from patchkit.validate.samples import Book, Sample
from patchkit.validate.values import Value, bounds

_DEPTH = 2  # objects that stand behind one another in a sample
_MOST = 50  # objects that one sample leads to, where a lesser depth has fewer
_LIMIT = 400  # samples of one type
_ELEMENTS = 2  # of a flexible array
_TEXT = "text"
_PLAIN = "plain"  # the name of the sample that others vary
_MAX = {4: 3.4028234663852886e38, 8: sys.float_info.max}


@dataclass(frozen=True, slots=True)
class _Change:
    """A member of the object and another value for it; `path` are names and indices from the object down."""

    path: tuple[str | int, ...]
    value: Value


class Extremes:
    """Makes samples of the types of the old version of `pair`."""

    def __init__(self, pair: Pair, changed: Mapping[str, str], decisions: Decisions) -> None:
        self.types: Types = pair.old_types
        self.records = pair.old.records
        self.changed = changed
        self.decisions = decisions

    def of(self, key: str) -> Book:
        """Return samples of the record `key`: one that is plain, then one for each extreme of each member."""
        objects: dict[str, Sample] = {}
        for depth in range(_DEPTH, 0, -1):
            objects.clear()
            self._add(objects, key, _PLAIN, depth)
            if len(objects) <= _MOST:
                break
        record = self.records[key]
        plain = None if record.tag is Tag.UNION else objects[_PLAIN].value  # of a union one member has a value
        for number, change in enumerate(islice(self._changes(record, (), key), _LIMIT), 1):
            value = _changed(plain, change)
            where = _spelled(change.path)
            text = f"a generated {key} with {where} = {_shown(change.value)}"
            objects[f"{number}"] = Sample(key, value, None, text)
        return Book(objects)

    def _add(self, objects: dict[str, Sample], key: str, name: str, depth: int) -> str:
        record = self.records[key]
        objects[name] = Sample(key, None, None, f"a generated {key}")
        value = self._plain(objects, record, name, depth)
        objects[name] = Sample(key, value, None, f"a generated {key}")
        return name

    # -- plain values

    def _plain(self, objects: dict[str, Sample], record: Record, name: str, depth: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        if record.tag is Tag.UNION:
            return {"bytes": bytes(record.size).hex()}
        for member, _ in self.types.named_members(record):
            value = self._value(objects, record, member, name, depth)
            if value is not None:
                found[member.name] = value
        return found

    def _value(self, objects: dict[str, Sample], record: Record, member: Member, name: str, depth: int) -> Value:
        subject = f"{record.key}.{member.name}"
        if isinstance(bare := self.types.bare(member.type), Array) and not bare.length:
            if self._is_counter(record, subject) or self.decisions.value(Topic.LENGTH, subject) is not None:
                return [self._of_type(objects, bare.element, name, depth, 0) for _ in range(_ELEMENTS)]
            return None
        if not isinstance(bare, Array | Pointer) and self._is_counter(record, member.name):
            return _ELEMENTS if self._counts_tail(record, member.name) else 1
        bits = member.width if member.width is not None else member.size
        return self._of_type(objects, member.type, f"{name}.{member.name}", depth, bits)

    def _of_type(self, objects: dict[str, Sample], ctype: CType, name: str, depth: int, bits: int) -> Value:
        """The plain value of a type, None for one that stays zero."""
        bare, scalar = self.types.bare(ctype), self.types.scalar(ctype)
        record = self.types.record(bare)
        if isinstance(bare, Pointer):
            return self._pointer(objects, bare, name, depth)
        if isinstance(bare, Array):
            if self.types.is_char(bare.element):
                return _TEXT[: (bare.length or 1) - 1]
            each = self._of_type(objects, bare.element, name, depth, 0)
            return None if each is None else [each] * (bare.length or 0)
        if record is not None:
            return None if is_foreign(record.coord) else self._plain(objects, record, name, depth)
        enum = self.types.enum(bare)
        if enum is not None:
            return enum.constants[0][0] if enum.constants else 0
        if scalar is None or not scalar.size or (scalar.kind is ScalarKind.FLOAT and scalar.size not in _MAX):
            return None
        if scalar.kind is ScalarKind.FLOAT:
            return 1.0
        return min(1, bounds(scalar, bits or scalar.size * 8)[1])

    def _pointer(self, objects: dict[str, Sample], bare: Pointer, name: str, depth: int) -> Value:
        target = self.types.bare(bare.target)
        record = self.types.record(target)
        if record is not None and not isinstance(target, Array) and not is_foreign(record.coord) and record.size:
            if not depth:
                return None
            if name not in objects:
                self._add(objects, record.key, name, depth - 1)
            return f"&{name}"
        return {"text": _TEXT} if self.types.is_char(target) else {"address": name}

    # -- what a count says

    def _is_counter(self, record: Record, name: str) -> bool:
        """Whether a member counts what another one leads to or holds, by a decision or by its name beside one."""
        if any(value == name for value in self._lengths(record)):
            return True
        many = any(isinstance(self.types.bare(each.type), Pointer | Array) for each in record.members)
        return many and bool(COUNTS.search(name))

    def _lengths(self, record: Record) -> Iterator[str]:
        for decision in self.decisions.of(Topic.LENGTH):
            if decision.subject.startswith(f"{record.key}."):
                yield decision.value

    def _counts_tail(self, record: Record, name: str) -> bool:
        last = record.members[-1]
        bare = self.types.bare(last.type)
        subject = f"{record.key}.{last.name}"
        return isinstance(bare, Array) and not bare.length and self.decisions.value(Topic.LENGTH, subject) == name

    # -- extremes

    def _changes(self, record: Record, path: tuple[str | int, ...], own: str) -> Iterator[_Change]:
        for member, _ in self.types.named_members(record):
            at = (*path, member.name)
            if not isinstance(self.types.bare(member.type), Array) and self._is_counter(record, member.name):
                if not self._counts_tail(record, member.name):
                    yield _Change(at, 0)
                continue
            bits = member.width if member.width is not None else member.size
            yield from self._extremes(member.type, at, bits, own)

    def _extremes(self, ctype: CType, at: tuple[str | int, ...], bits: int, own: str) -> Iterator[_Change]:
        bare, scalar = self.types.bare(ctype), self.types.scalar(ctype)
        record = self.types.record(bare)
        enum = self.types.enum(bare)
        if isinstance(bare, Pointer):
            yield from (_Change(at, value) for value in self._pointers(bare, own))
        elif isinstance(bare, Array):
            if self.types.is_char(bare.element):
                yield from (_Change(at, text) for text in {"": 0, "x" * max(0, (bare.length or 1) - 1): 0})
            elif bare.length:
                for number in dict.fromkeys((0, bare.length - 1)):
                    yield from self._extremes(bare.element, (*at, number), bits // bare.length, own)
        elif record is not None:
            if record.tag is Tag.STRUCT and not is_foreign(record.coord):
                yield from self._changes(record, at, own)
        elif enum is not None:
            yield from (_Change(at, name) for name, _ in enum.constants)
        elif scalar is not None and scalar.kind is ScalarKind.FLOAT:
            if scalar.size in _MAX:
                yield from (_Change(at, value) for value in (0.0, -_MAX[scalar.size], _MAX[scalar.size]))
        elif scalar is not None and bits:
            yield from (
                _Change(at, value) for value in dict.fromkeys((0, *bounds(scalar, bits), -1 if scalar.signed else 0))
            )

    def _pointers(self, bare: Pointer, own: str) -> Iterator[Value]:
        yield None
        record = self.types.record(bare.target)
        if record is not None and record.key == own:
            yield f"&{_PLAIN}"
        elif self.types.is_char(bare.target):
            yield {"text": ""}


def _changed(value: Value, change: _Change) -> Value:
    """Return a copy of `value` with one part replaced."""
    if not change.path:
        return change.value
    name, rest = change.path[0], _Change(change.path[1:], change.value)
    if isinstance(name, int):
        found = list(value) if isinstance(value, list) else []
        found += [0] * (name + 1 - len(found))
        found[name] = _changed(found[name], rest)
        return found
    table = dict(value) if isinstance(value, dict) else {}
    table[name] = _changed(table.get(name), rest)
    return table


def _spelled(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in path).removeprefix(".")


def _shown(value: Value) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, dict):
        return f'"{value["text"]}"' if "text" in value else "an address"
    if isinstance(value, str) and value.startswith("&"):
        return "an object that is shared"
    return f'"{value}"' if value == "" else str(value)
