"""A payload as values: the rows of `patchkit/runtime/src/payload.h`, which says what each of them means.

`write_payload` and `read_payload` are inverse to each other for what `check_payload` accepts.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any, TypeVar

from patchkit.errors import InputError

MAGIC = b"PKPAYLD3"
PAGE = 4096
NONE = 0xFFFFFFFF
NOWHERE = 0xFFFFFFFFFFFFFFFF
MACHINE_X86_64 = 62
BUILD_ID_SIZE = 32

_HEAD = struct.Struct("<8sIIQ32s32sIIQ4QQQQQQ")
_TABLE = struct.Struct("<QQ")
_TABLES = 19
HEADER_SIZE = _HEAD.size + _TABLES * _TABLE.size


class Segment(IntEnum):
    """The four parts of an image, in the order in which they follow each other."""

    TEXT = 0
    ENTRIES = 1
    RODATA = 2
    DATA = 3


class Kind(IntEnum):
    """What an old or new thing is."""

    FUNCTION = 1
    VARIABLE = 2
    CONST = 3
    TLS = 4


class RelocationKind(IntEnum):
    """How a relocation is computed."""

    ABS64 = 1
    ABS32 = 2
    PC32 = 3
    PC64 = 4
    TPOFF32 = 5
    TPOFF64 = 6


class Target(IntEnum):
    """What a relocation refers to."""

    SELF = 1
    OLD = 2
    IMPORT = 3


class Origin(IntFlag):
    """Whose code a return address is in: that of the executable, or of a payload that brought the same version."""

    EXECUTABLE = 1
    IMAGE = 2


WIDTH = {
    RelocationKind.ABS64: 8,
    RelocationKind.PC64: 8,
    RelocationKind.TPOFF64: 8,
    RelocationKind.ABS32: 4,
    RelocationKind.PC32: 4,
    RelocationKind.TPOFF32: 4,
}
OLD_OPTIONAL = 1
NEEDS_MIGRATION = 1
IMPORT_WEAK = 1


@dataclass(frozen=True, slots=True)
class Old:
    """A function or variable of the running version."""

    key: int
    place: int
    size: int
    name: str
    kind: Kind
    optional: bool = False


@dataclass(frozen=True, slots=True)
class New:
    """A function or variable of the new version; `old` is an index, or NONE."""

    key: int
    place: int
    entry: int
    size: int
    old: int
    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Import:
    """A symbol of a shared library; `version` may be empty."""

    name: str
    version: str
    weak: bool


@dataclass(frozen=True, slots=True)
class Relocation:
    """A reference out of the image, or an absolute one into it."""

    place: int
    addend: int
    index: int
    kind: RelocationKind
    target: Target


@dataclass(frozen=True, slots=True)
class Patch:
    """The entry of an old function and the code that it leads to."""

    code: int
    old: int


@dataclass(frozen=True, slots=True)
class FunctionRow:
    """A stretch of code; `references` are sorted keys."""

    key: int
    place: int
    size: int
    name: str
    references: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """A row of the tables `broken` and `pinned`."""

    key: int
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Expect:
    """What an old variable must still hold from its byte `offset` on."""

    place: int
    size: int
    old: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Unwind:
    """Where the code at `start` is described."""

    start: int
    fde: int


@dataclass(frozen=True, slots=True)
class Transfer:
    """Return addresses of the old function's code `name` from `first` to `last` (offsets from its start), and the image
    offset that the first of them becomes.
    """

    key: int
    code: int
    first: int
    last: int
    name: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Payload:
    """A whole payload. `image` are the bytes that are stored, `segments` the sizes of the four parts in bytes."""

    from_id: bytes
    to_id: bytes
    segments: tuple[int, int, int, int]
    image: bytes
    olds: tuple[Old, ...] = ()
    news: tuple[New, ...] = ()
    imports: tuple[Import, ...] = ()
    relocations: tuple[Relocation, ...] = ()
    patches: tuple[Patch, ...] = ()
    old_functions: tuple[FunctionRow, ...] = ()
    new_functions: tuple[FunctionRow, ...] = ()
    broken: tuple[Reason, ...] = ()
    pinned: tuple[Reason, ...] = ()
    points: tuple[int, ...] = ()
    expects: tuple[Expect, ...] = ()
    unwind: tuple[Unwind, ...] = ()
    needed: tuple[str, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    strays: tuple[int, ...] = ()
    down_broken: tuple[Reason, ...] = ()
    down_pinned: tuple[Reason, ...] = ()
    from_code: int = 0
    to_code: int = 0
    machine: int = MACHINE_X86_64
    plan: int = NOWHERE  # image offset of the migration's plan
    down: int = NOWHERE  # the same of the plan that takes it back

    @property
    def flags(self) -> int:
        """What a runtime has to be able to."""
        return NEEDS_MIGRATION if self.plan != NOWHERE else 0

    def start(self, segment: Segment) -> int:
        """Return the image offset at which `segment` starts."""
        return sum(self.segments[:segment])


_OLD = struct.Struct("<QQQIHH")
_NEW = struct.Struct("<QQQQIIII")
_IMPORT = struct.Struct("<IIII")
_RELOCATION = struct.Struct("<QqIHH")
_PATCH = struct.Struct("<QII")
_FUNCTION = struct.Struct("<QQIIII")
_REASON = struct.Struct("<QII")
_EXPECT = struct.Struct("<QQII")
_UNWIND = struct.Struct("<QQ")
_TRANSFER = struct.Struct("<QQIIII")
_INDEX = struct.Struct("<I")
_KEY = struct.Struct("<Q")


class _Strings:
    """The table of strings, each of which is written once, in the order of their text."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.data = bytearray(b"\0")
        self._places = {"": 0}
        for text in sorted(set(texts) - {""}):
            self._places[text] = len(self.data)
            self.data += text.encode("utf-8", "surrogateescape") + b"\0"

    def __getitem__(self, text: str) -> int:
        return self._places[text]


def _texts(payload: Payload) -> Iterable[str]:
    functions = (*payload.old_functions, *payload.new_functions)
    named: tuple[Old | New | Import | FunctionRow | Reason | Transfer, ...]
    reasons = (*payload.broken, *payload.pinned, *payload.down_broken, *payload.down_pinned)
    named = (*payload.olds, *payload.news, *payload.imports, *functions, *reasons, *payload.transfers)
    yield from (row.name for row in named)
    yield from (row.version for row in payload.imports)
    yield from (row.reason for row in reasons)
    yield from payload.needed


def write_payload(payload: Payload) -> bytes:
    """Return the bytes of `payload`. The order of the rows is the caller's, but for the strings."""
    strings = _Strings(_texts(payload))
    references: list[int] = []

    def functions(rows: Sequence[FunctionRow]) -> list[bytes]:
        packed = []
        for row in rows:
            counted = (len(references), len(row.references))
            packed.append(_FUNCTION.pack(row.key, row.place, row.size, strings[row.name], *counted))
            references.extend(row.references)
        return packed

    def reasons(rows: Sequence[Reason]) -> list[bytes]:
        return [_REASON.pack(row.key, strings[row.name], strings[row.reason]) for row in rows]

    olds = [_OLD.pack(r.key, r.place, r.size, strings[r.name], r.kind, OLD_OPTIONAL * r.optional) for r in payload.olds]
    news = [_NEW.pack(r.key, r.place, r.entry, r.size, r.old, strings[r.name], r.kind, 0) for r in payload.news]
    imports = [_IMPORT.pack(strings[r.name], strings[r.version], IMPORT_WEAK * r.weak, 0) for r in payload.imports]
    before, after = functions(payload.old_functions), functions(payload.new_functions)
    tables: list[tuple[bytes, int]] = [
        (bytes(strings.data), len(strings.data)),
        *((b"".join(rows), len(rows)) for rows in (olds, news, imports)),
        _packed(_RELOCATION, ((r.place, r.addend, r.index, r.kind, r.target) for r in payload.relocations)),
        _packed(_PATCH, ((r.code, r.old, 0) for r in payload.patches)),
        *((b"".join(rows), len(rows)) for rows in (before, after)),
        _packed(_KEY, ((key,) for key in references)),
        *((b"".join(rows), len(rows)) for rows in (reasons(payload.broken), reasons(payload.pinned))),
        _packed(_INDEX, ((index,) for index in payload.points)),
        _packed(_EXPECT, ((r.place, r.size, r.old, r.offset) for r in payload.expects)),
        _packed(_UNWIND, ((r.start, r.fde) for r in payload.unwind)),
        _packed(_INDEX, ((strings[text],) for text in payload.needed)),
        _packed(_TRANSFER, ((r.key, r.code, r.first, r.last, strings[r.name], r.origin) for r in payload.transfers)),
        _packed(_INDEX, ((index,) for index in payload.strays)),
        *((b"".join(rows), len(rows)) for rows in (reasons(payload.down_broken), reasons(payload.down_pinned))),
    ]
    return _assemble(payload, tables)


def _packed(layout: struct.Struct, rows: Iterable[tuple[int, ...]]) -> tuple[bytes, int]:
    packed = [layout.pack(*row) for row in rows]
    return b"".join(packed), len(packed)


def _assemble(payload: Payload, tables: Sequence[tuple[bytes, int]]) -> bytes:
    directory, body = b"", bytearray()
    for data, count in tables:
        directory += _TABLE.pack(HEADER_SIZE + len(body), count)
        body += data + bytes(-len(data) % 8)
    image = HEADER_SIZE + len(body)
    image += -image % PAGE
    head = _HEAD.pack(
        MAGIC,
        payload.machine,
        payload.flags,
        image + len(payload.image),
        payload.from_id,
        payload.to_id,
        len(payload.from_id),
        len(payload.to_id),
        image,
        *payload.segments,
        len(payload.image),
        payload.plan,
        payload.down,
        payload.from_code,
        payload.to_code,
    )
    start = head + directory + bytes(body)
    return start + bytes(image - len(start)) + payload.image


_Row = TypeVar("_Row")


class _Reader:
    """The tables of a payload's bytes, with every bound checked."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.tables = [_TABLE.unpack_from(data, _HEAD.size + _TABLE.size * index) for index in range(_TABLES)]
        offset, count = self.tables[0]
        self._bound("strings", offset, count, 1)
        self.strings = data[offset : offset + count]

    def _bound(self, name: str, offset: int, count: int, size: int) -> None:
        if offset % 8 or offset < HEADER_SIZE or offset > len(self.data) or count * size > len(self.data) - offset:
            raise _broken(f"its table `{name}` reaches beyond its end or does not start on 8 bytes")

    def rows(self, number: int, name: str, layout: struct.Struct) -> list[tuple[int, ...]]:
        offset, count = self.tables[number]
        self._bound(name, offset, count, layout.size)
        return list(layout.iter_unpack(self.data[offset : offset + count * layout.size]))

    def text(self, start: int) -> str:
        end = self.strings.find(b"\0", start) if start < len(self.strings) else -1
        if end < 0:
            raise _broken("a name lies outside of its strings")
        return self.strings[start:end].decode("utf-8", "surrogateescape")

    def named(self, rows: Iterable[tuple[int, ...]], make: Callable[..., _Row]) -> tuple[_Row, ...]:
        try:
            return tuple(make(*row) for row in rows)
        except ValueError as problem:
            raise _broken(str(problem)) from problem


def _read_head(data: bytes) -> tuple[Any, ...]:
    """The header's fields, once those that the rest depends on are proved."""
    if len(data) < HEADER_SIZE or data[:8] != MAGIC:
        raise InputError("the payload does not begin as one", hint="make the bundle again: patchkit bundle")
    head = _HEAD.unpack_from(data)
    _, _, flags, size, _, _, from_size, to_size, image, *_, stored, plan, down, _, _ = head
    if bool(flags & NEEDS_MIGRATION) != (plan != NOWHERE) or (plan == NOWHERE and down != NOWHERE):
        raise _broken("it says that it converts state, or not, and its plan says otherwise")
    if size != len(data) or image > size or stored != size - image or image % PAGE:
        raise _broken("its size is not what its header says")
    if from_size > BUILD_ID_SIZE or to_size > BUILD_ID_SIZE:
        raise _broken("a build-id is longer than 32 bytes")
    return head


def read_payload(data: bytes) -> Payload:
    """Return the payload that `data` holds. Raises InputError where a bound or index of its tables is wrong."""
    head = _read_head(data)
    _, machine, _, _, from_id, to_id, from_size, to_size, image, *segments, _, plan, down, from_code, to_code = head
    reader = _Reader(data)
    text = reader.text
    references = [key for (key,) in reader.rows(8, "references", _KEY)]

    def function(key: int, place: int, size: int, name: int, first: int, count: int) -> FunctionRow:
        if first + count > len(references):
            raise _broken("a function refers to more than there is")
        return FunctionRow(key, place, size, text(name), tuple(references[first : first + count]))

    def reason(key: int, name: int, why: int) -> Reason:
        return Reason(key, text(name), text(why))

    return Payload(
        from_id=from_id[:from_size],
        to_id=to_id[:to_size],
        segments=(segments[0], segments[1], segments[2], segments[3]),
        image=data[image:],
        olds=reader.named(
            reader.rows(1, "olds", _OLD), lambda k, p, s, n, kind, f: Old(k, p, s, text(n), Kind(kind), bool(f & 1))
        ),
        news=reader.named(
            reader.rows(2, "news", _NEW), lambda k, p, e, s, old, n, kind, _: New(k, p, e, s, old, text(n), Kind(kind))
        ),
        imports=reader.named(
            reader.rows(3, "imports", _IMPORT), lambda n, v, flags, _: Import(text(n), text(v), bool(flags & 1))
        ),
        relocations=reader.named(
            reader.rows(4, "relocations", _RELOCATION),
            lambda p, a, i, kind, target: Relocation(p, a, i, RelocationKind(kind), Target(target)),
        ),
        patches=reader.named(reader.rows(5, "patches", _PATCH), lambda code, old, _: Patch(code, old)),
        old_functions=reader.named(reader.rows(6, "old_functions", _FUNCTION), function),
        new_functions=reader.named(reader.rows(7, "new_functions", _FUNCTION), function),
        broken=reader.named(reader.rows(9, "broken", _REASON), reason),
        pinned=reader.named(reader.rows(10, "pinned", _REASON), reason),
        points=tuple(index for (index,) in reader.rows(11, "points", _INDEX)),
        expects=reader.named(reader.rows(12, "expects", _EXPECT), Expect),
        unwind=reader.named(reader.rows(13, "unwind", _UNWIND), Unwind),
        needed=tuple(text(start) for (start,) in reader.rows(14, "needed", _INDEX)),
        transfers=reader.named(
            reader.rows(15, "transfers", _TRANSFER),
            lambda k, code, first, last, n, origin: Transfer(k, code, first, last, text(n), Origin(origin)),
        ),
        strays=tuple(index for (index,) in reader.rows(16, "strays", _INDEX)),
        down_broken=reader.named(reader.rows(17, "down_broken", _REASON), reason),
        down_pinned=reader.named(reader.rows(18, "down_pinned", _REASON), reason),
        from_code=from_code,
        to_code=to_code,
        machine=machine,
        plan=plan,
        down=down,
    )


def _broken(problem: str) -> InputError:
    return InputError(f"the payload is damaged: {problem}", hint="make the bundle again: patchkit bundle")
