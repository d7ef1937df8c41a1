"""Sample objects: what a file of them says, and where they lie when conversions run on them."""

import json
import re
import struct
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from patchkit.diff.pair import Pair
from patchkit.diff.types import Types
from patchkit.errors import InputError
from patchkit.model.ctype import Array, Tag
from patchkit.model.program import Record
from patchkit.validate.values import Value, ValueProblem, encode

FORMAT = 1
_OLD, _NEW = 0x2000_0000_0000, 0x2100_0000_0000  # where samples lie, and where new objects do
_STEP = 64  # bytes that no object has stand before the next
_UNKNOWN = 256  # bytes, all zero, that stand for what a file does not hold
_REFERENCE = re.compile(r"&([^+]+?)(?:\+(\d+))?")


@dataclass(frozen=True, slots=True)
class Sample:
    """An old object: its type, its value, and what its new one has to be, None where nothing is expected.

    `name` says in words which one it is; `line` is where its file has it, 0 for one that was generated.
    """

    type: str
    value: Value
    expect: Value = None
    name: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Book:
    """Samples that may point at each other, by the names with which they do; `path` is None for generated ones."""

    objects: Mapping[str, Sample]
    path: Path | None = None


def read_samples(path: Path) -> Book:
    """Return what the file at `path` says. Raises InputError with the line of what is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text)
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {problem.strerror}") from problem
    except json.JSONDecodeError as problem:
        raise InputError(f"{path}:{problem.lineno}: this is no JSON: {problem.msg}") from problem
    except ValueError as problem:
        raise InputError(f"{path} is not UTF-8 text", hint="save the file as UTF-8") from problem
    if not isinstance(data, dict) or data.get("format") != FORMAT or not isinstance(data.get("objects"), dict):
        raise InputError(
            f"{path} holds no samples of format {FORMAT}",
            hint='it begins with {"format": 1, "objects": {"1": {"type": "struct item", "value": {}}}}',
        )
    objects = {}
    for key, each in data["objects"].items():
        match = re.search(rf"^\s*{re.escape(json.dumps(key))}\s*:", text, re.M)
        line = text.count("\n", 0, match.end()) + 1 if match else 1
        if not isinstance(each, dict) or not isinstance(each.get("type"), str) or "value" not in each:
            raise InputError(f"{path}:{line}: object {key} has no `type` and `value`")
        unknown = each.keys() - {"type", "value", "expect", "at"}
        if unknown:
            raise InputError(
                f"{path}:{line}: object {key}: `{min(unknown)}` is not known",
                hint="an object has type, value, expect and at",
            )
        objects[key] = Sample(each["type"], each["value"], each.get("expect"), f"object {key} of {path.name}", line)
    return Book(objects, path)


@dataclass(frozen=True, slots=True)
class Block:
    """Memory of the old version: `now` is where its object is in the new one, 0 where that does not change."""

    place: int
    data: bytes
    type: str = ""
    now: int = 0
    new_size: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """One conversion to run: of the object of `sample`, whose memory is the first of `blocks`.

    `places` says where the objects are that the sample's file names, `texts` which text is at an address.
    """

    sample: Sample
    record: Record
    successor: Record
    tail: int
    size: int  # of the new object
    blocks: tuple[Block, ...]
    places: Mapping[str, Block]
    texts: Mapping[int, str]

    def packed(self) -> bytes:
        """Return the case as the harness reads it."""
        first = self.blocks[0]
        rows = [
            _text(self.record.key),
            struct.pack("<5Q", self.tail, first.place, first.now, self.size, len(self.blocks)),
        ]
        for block in self.blocks:
            rows.append(struct.pack("<4Q", block.place, len(block.data), block.now, block.new_size))
            rows += [_text(block.type), block.data]
        return b"".join(rows)


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def flexible(types: Types, record: Record) -> tuple[str, int, int] | None:
    """Return name, offset and size in bytes of an element of the flexible array that `record` ends with."""
    last = record.members[-1] if record.members and record.tag is Tag.STRUCT else None
    bare = types.bare(last.type) if last is not None else None
    if last is None or not isinstance(bare, Array) or bare.length:
        return None
    return last.name, last.offset // 8, types.size(bare.element)


@dataclass(slots=True)
class _Layout:
    """Gives the objects of a book their places, and each its bytes, once however many samples lead to it."""

    pair: Pair
    changed: Mapping[str, str]
    book: Book
    old: int = _OLD
    new: int = _NEW
    placed: dict[str, Block] = field(default_factory=dict)  # without their bytes
    filled: dict[str, Block] = field(default_factory=dict)
    used: dict[str, tuple[list[str], list[Block]]] = field(default_factory=dict)  # objects, and memory without a name
    texts: dict[int, str] = field(default_factory=dict)
    others: dict[str, Block] = field(default_factory=dict)  # memory that no object is, by what is in it

    def reached(self, key: str) -> tuple[dict[str, Block], tuple[Block, ...]]:
        """Return the objects that are reached from one, that first, and the memory without a name beside them."""
        found = dict[str, Block]()
        beside = dict[int, Block]()
        waiting = deque([key])
        while waiting:
            name = waiting.popleft()
            if name not in found:
                found[name] = self._filled(name)
                objects, others = self.used[name]
                waiting += objects
                beside |= {block.place: block for block in others}
        return found, tuple(beside.values())

    def _filled(self, name: str) -> Block:
        """Return an object with its bytes."""
        if name not in self.filled:
            bare, sample = self.of(name), self.book.objects[name]
            objects, others = self.used.setdefault(name, ([], []))

            def place(value: Value) -> int:
                return self.place(value, objects, others)

            data = encode(self.pair.old_types, self.pair.old.records[sample.type], sample.value, place)
            self.filled[name] = replace(bare, data=data)
        return self.filled[name]

    def of(self, key: str) -> Block:
        """Return the place of an object of the book."""
        if key not in self.placed:
            sample = self.book.objects.get(key)
            if sample is None:
                raise ValueProblem(f"there is no object {key} to point at")
            record = self.pair.old.records.get(sample.type)
            if record is None:
                raise ValueProblem(f"{sample.type} is no type of the old version")
            size, new_size = record.size, 0
            tail = tail_of(self.pair.old_types, record, sample.value)
            if tail:
                found = flexible(self.pair.old_types, record)
                assert found is not None
                size = max(size, found[1] + tail * found[2])
            now = 0
            if sample.type in self.changed:
                new_size, now = new_size_of(self.pair, self.changed[sample.type], tail), self.new
                self.new += _rounded(new_size) + _STEP
            self.placed[key] = Block(self._take(size), b"", sample.type, now, new_size)
        return self.placed[key]

    def _take(self, size: int) -> int:
        place = self.old
        self.old += _rounded(size) + _STEP
        return place

    def place(self, value: Value, objects: list[str], others: list[Block]) -> int:
        """Return the address that the value of a pointer means; what it leads to is added to the lists."""
        if value is None:
            return 0
        match = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
        if match:
            objects.append(match.group(1))
            return self.of(match.group(1)).place + int(match.group(2) or 0)
        if isinstance(value, dict) and isinstance(text := value.get("text"), str):
            others.append(self._other(f"text {text}", text.encode("utf-8", "surrogateescape") + b"\0"))
            self.texts[others[-1].place] = text
            return others[-1].place
        if isinstance(value, dict) and isinstance(address := value.get("address"), str):
            others.append(self._other(address, bytes(_UNKNOWN)))
            return others[-1].place
        raise ValueProblem(f'a pointer is null, "&NAME", {{"text": "..."}} or {{"address": "0x..."}}, not {value!r}')

    def _other(self, key: str, data: bytes) -> Block:
        if key not in self.others:
            self.others[key] = Block(self._take(len(data)), data)
        return self.others[key]


def _rounded(size: int) -> int:
    return -(-size // _STEP) * _STEP


def tail_of(types: Types, record: Record, value: Value) -> int:
    """Return how many elements the flexible array of an object has."""
    found = flexible(types, record)
    given = value.get(found[0]) if found is not None and isinstance(value, dict) else None
    return (
        len(given.encode("utf-8", "surrogateescape") if isinstance(given, str) else given)
        if isinstance(given, list | str)
        else 0
    )


def new_size_of(pair: Pair, key: str, tail: int) -> int:
    """Return the bytes of an object of the new record `key` with `tail` elements at its end."""
    record = pair.new.records[key]
    found = flexible(pair.new_types, record)
    return max(record.size, found[1] + tail * found[2]) if found is not None else record.size


def cases(pair: Pair, changed: Mapping[str, str], book: Book) -> Iterator[Case]:
    """Yield a case for each object of `book` whose type is converted. Raises InputError for a wrong value."""
    layout = _Layout(pair, changed, book)
    for key, sample in book.objects.items():
        try:
            if sample.type in changed or sample.type not in pair.old.records:
                yield _case(layout, key)
        except ValueProblem as problem:
            where = f"{book.path}:{sample.line}: " if book.path is not None else ""
            raise InputError(f"{where}{sample.name or key}: {problem}", hint="correct the sample") from problem


def _case(layout: _Layout, key: str) -> Case:
    pair, sample = layout.pair, layout.book.objects[key]
    blocks, others = layout.reached(key)
    record = pair.old.records[sample.type]
    successor = pair.new.records[layout.changed[sample.type]]
    tail = tail_of(pair.old_types, record, sample.value)
    return Case(
        sample, record, successor, tail, blocks[key].new_size, (*blocks.values(), *others), blocks, layout.texts
    )
