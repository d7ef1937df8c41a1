"""Flexible arrays at the end of records: how many elements there are, and the tables that tell the runtime."""

from patchkit.diff.types import Types
from patchkit.model.ctype import Array, CType, Named, Tag
from patchkit.model.decision import Topic
from patchkit.model.program import Record
from patchkit.transform.arrays import ALLOCATION, tail_count, whole_numbers
from patchkit.transform.headers import Header
from patchkit.transform.migration import Side
from patchkit.transform.shapes import Graph
from patchkit.transform.statements import Tail


def kept_tail(graph: Graph, ctype: CType, side: Side) -> Tail | None:
    """Return the flexible array at the end of a record of `side` that does not change, None where no pointer is in it.

    How many elements there are is asked where it is not decided.
    """
    found = _flexible_member(graph.types, ctype)
    if found is None:
        return None
    holder, path, offset, element = found
    name = path.rsplit(".", 1)[-1]
    subject = f"{holder.key}.{name}"
    elements = f"{subject}[]"
    if not graph.slots(element, elements):
        return None
    numbers = whole_numbers(graph.types, holder)
    said = graph.decisions.value(Topic.LENGTH, subject)
    if said is None:
        graph.ask(Topic.LENGTH, subject, f"which member counts the elements of {subject}?", (*numbers, ALLOCATION))
        return None
    step = graph.types.size(element)
    before = path.removesuffix(name)
    count = f"{side}->{before}{said}" if said in numbers else tail_count(said, (), side)
    return Tail(offset, offset, step, step, element, elements, count)


def _flexible_member(types: Types, ctype: CType) -> tuple[Record, str, int, CType] | None:
    """Return the record whose last member is a flexible array, the path to that, its offset, and the element type."""
    path, offset = "", 0
    while isinstance(bare := types.bare(ctype), Named) and bare.tag is Tag.STRUCT:
        record = types.program.records.get(bare.key)
        if record is None or not record.members:
            return None
        last = record.members[-1]
        path, offset = f"{path}{last.name}", offset + last.offset // 8
        inner = types.bare(last.type)
        if isinstance(inner, Array):
            return None if inner.length else (record, path, offset, inner.element)
        path, ctype = f"{path}." if path else "", last.type
    return None


def tail_table(number: int, key: str, tail: Tail, shape: int | None, room: str, header: Header) -> list[str]:
    """Return the C of shape `number`, the record `key`: what counts the elements of its tail, and where they are.

    `shape` is the elements', None where nothing has to be found in them, `room` the function that knows a block's size.
    """
    old = header.names.record(key)
    if tail.count == ALLOCATION:
        counted = [
            f"    size_t room = {room}((void *)(uintptr_t)object);",
            f"    return room > {tail.old_offset} ? (room - {tail.old_offset}) / {tail.old_size} : 0;",
        ]
    else:
        counted = [f"    const {old} *{header.side} = object;", f"    return (size_t)({tail.count});"]
    places = f"{tail.old_offset}, {tail.old_size}, {tail.new_offset}, {tail.new_size}"
    return [
        f"static size_t count_{number}(const void *object) {{",
        *counted,
        "}",
        f"static const struct pk_tail tail_{number} = "
        f"{{count_{number}, {places}, {'PK_NO_SHAPE' if shape is None else shape}}};",
    ]
