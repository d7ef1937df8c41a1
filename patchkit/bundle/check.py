"""What must hold between the tables of a payload, beyond that each can be read: the same rules as the runtime's."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from patchkit.bundle.payload import (
    NONE,
    NOWHERE,
    PAGE,
    WIDTH,
    FunctionRow,
    Kind,
    Origin,
    Payload,
    Relocation,
    RelocationKind,
    Segment,
    Target,
)
from patchkit.errors import InputError

_ENTRY = 8


def check_payload(payload: Payload) -> None:
    """Raise InputError that names the first rule which `payload` breaks."""
    for problem in _problems(payload):
        raise InputError(f"the payload is damaged: {problem}", hint="make the bundle again: patchkit bundle")


def _problems(payload: Payload) -> Iterator[str]:
    total = sum(payload.segments)
    if any(size % PAGE for size in payload.segments):
        yield "a segment is no multiple of a page"
    if len(payload.image) > total:
        yield "it stores more than its image holds"
    if not payload.from_id or not payload.to_id:
        yield "a build-id is missing"
    rodata = payload.start(Segment.RODATA)
    for plan in (payload.plan, payload.down):
        if plan != NOWHERE and not rodata <= plan < rodata + payload.segments[Segment.RODATA]:
            yield "its plan lies outside of its constants"
    yield from _tables(payload, total)
    yield from _functions(payload)
    for name in ("broken", "pinned", "down_broken", "down_pinned"):
        if not _sorted(row.key for row in getattr(payload, name)):
            yield f"`{name}` is not sorted"


def _tables(payload: Payload, total: int) -> Iterator[str]:
    count = len(payload.olds)
    text_end = payload.segments[Segment.TEXT]
    for row in payload.relocations:
        if (problem := _relocation(payload, row, total)) is not None:
            yield problem
    if not _sorted(row.place for row in payload.relocations):
        yield "the relocations are not sorted"
    for patch in payload.patches:
        if patch.old >= count or payload.olds[patch.old].kind is not Kind.FUNCTION or patch.code >= text_end:
            yield "a patch is of no function, or leads out of the code"
    for index in payload.points:
        if index >= count or payload.olds[index].kind is not Kind.FUNCTION:
            yield "an update point is no function"
    for expect in payload.expects:
        if expect.old >= count or expect.place + expect.size > total:
            yield "an expectation lies outside"
    for unwind in payload.unwind:
        if unwind.start >= text_end or not payload.start(Segment.RODATA) <= unwind.fde < payload.start(Segment.DATA):
            yield "unwind information lies outside"
    if not _sorted(row.start for row in payload.unwind):
        yield "the unwind table is not sorted"
    yield from _transfers(payload)
    for new in payload.news:
        if new.old != NONE and new.old >= count:
            yield f"{new.name} is adopted from nothing"
        if new.place != NOWHERE and new.kind is not Kind.FUNCTION and new.place + new.size > total:
            yield f"{new.name} lies outside of the image"
        if new.place == NOWHERE and new.old == NONE:
            yield f"{new.name} is nowhere"
        if new.entry != NOWHERE and not _in(payload, Segment.ENTRIES, new.entry, _ENTRY):
            yield f"the entry of {new.name} lies outside of its segment"


def _relocation(payload: Payload, row: Relocation, total: int) -> str | None:
    if row.place + WIDTH[row.kind] > min(total, len(payload.image)):
        return "a relocation lies outside of the stored image"
    thread_local = row.kind in (RelocationKind.TPOFF32, RelocationKind.TPOFF64)
    if row.target is Target.OLD:
        if row.index >= len(payload.olds):
            return "a relocation refers to no old"
        if (payload.olds[row.index].kind is Kind.TLS) is not thread_local:
            return "a relocation takes an address for an offset from the thread pointer, or the reverse"
    elif thread_local:
        return "a thread-local reference is to no old"
    elif row.target is Target.IMPORT and row.index >= len(payload.imports):
        return "a relocation refers to no import"
    elif row.target is Target.SELF and not 0 <= row.addend <= total:
        return "a reference into the image leads out of it"
    return None


def _transfers(payload: Payload) -> Iterator[str]:
    for row in payload.transfers:
        if not 0 < row.first <= row.last or row.code + row.last - row.first > payload.segments[Segment.TEXT]:
            yield f"a frame of {row.name} would be moved out of the code"
        if not row.origin or row.origin & ~(Origin.EXECUTABLE | Origin.IMAGE):
            yield f"a frame of {row.name} is of no known code"
    if not _sorted(row.key for row in payload.transfers):
        yield "the transfers are not sorted"
    if any(index >= len(payload.olds) for index in payload.strays):
        yield "a stray is no old"


def _functions(payload: Payload) -> Iterator[str]:
    for name, rows in (("old", payload.old_functions), ("new", payload.new_functions)):
        if not _sorted(row.place for row in rows):
            yield f"the {name} functions are not sorted"
        if not all(_sorted(row.references) for row in rows):
            yield f"references of the {name} functions are not sorted"
    if not _inside(payload.new_functions, payload.segments[Segment.TEXT]):
        yield "a new function lies outside of the code"


def _inside(rows: Sequence[FunctionRow], end: int) -> bool:
    return all(row.place + row.size <= end for row in rows)


def _in(payload: Payload, segment: Segment, place: int, size: int) -> bool:
    start = payload.start(segment)
    return start <= place <= start + payload.segments[segment] - size


def _sorted(values: Iterable[int]) -> bool:
    listed = list(values)
    return all(one <= other for one, other in pairwise(listed))
