"""Arrays: as many elements as both versions have are converted; what comes or goes at the end is decided or tested."""

from collections.abc import Collection

from patchkit.diff.ctypes_compare import relate
from patchkit.diff.types import ScalarKind, Types
from patchkit.model.change import Grade
from patchkit.model.ctype import Array, CType, Primitive
from patchkit.model.decision import Topic
from patchkit.model.program import Record
from patchkit.transform.migration import Side
from patchkit.transform.places import Place
from patchkit.transform.pointers import confirm, is_confirmed
from patchkit.transform.starts import begin_with
from patchkit.transform.statements import Context, Tail, zero

ALLOCATION = "allocation"
_COUNTS = ("count", "len", "length", "n", "num", "size", "used", "nr")


def convert_array(at: Context, old: Place, new: Place, reason: str) -> None:
    """Write what becomes of an array that is one on both sides."""
    before, after = at.old_types.bare(old.type), at.new_types.bare(new.type)
    assert isinstance(before, Array)
    assert isinstance(after, Array)
    have, want = before.length or 0, after.length or 0
    if not have and not want:
        _flexible(at, old, new, (before.element, after.element), reason)
    elif not have or not want:
        at.ask_for_code(f"{old.subject} {relate(at.pair, old.type, new.type).text}")
    else:
        if have > want:
            _shorten(at, old, new, before, (have, want))
        _elements(at, old, new, (before.element, after.element), (have, want), reason)
        if want > have:
            _lengthen(at, new, after, (have, want))


def is_raw_copy(at: Context, old: CType, new: CType) -> bool:
    """Whether the bytes of an old object are those of a new one: the same type, no part changed, no pointer to data."""
    types = at.old_types
    bare = types.bare(old)
    if isinstance(bare, Array):
        other = at.new_types.bare(new)
        return isinstance(other, Array) and bare.length == other.length and is_raw_copy(at, bare.element, other.element)
    if not at.pair.same(bare, at.new_types.bare(new)) or at.changed.holds(old):
        return False
    if at.measure(old, old=True) != at.measure(new, old=False):
        return False
    record = types.record(bare)
    if record is not None and record.parent:
        return False  # of one name in both versions, and perhaps of other members
    return not types.holds_pointer(old)


def _elements(
    at: Context, old: Place, new: Place, types: tuple[CType, CType], counts: tuple[int, int], reason: str
) -> None:
    count = min(counts)
    steps = at.measure(types[0], old=True), at.measure(types[1], old=False)
    if is_raw_copy(at, *types):
        size = count * steps[0]
        more = f"{reason} and type" if counts[0] == counts[1] else f"{reason}; {counts[0]} elements became {counts[1]}"
        at.made.line(f"memcpy({new.text}, {old.text}, {size});", more)
        at.run(old, new, size)
        return
    runs = len(at.made.runs)
    with at.made.loop(str(count), f"{reason}, element by element") as index:
        at.value(at, old.element(index, types[0], steps[0]), new.element(index, types[1], steps[1]), reason)
    at.repeat(runs, count, steps)


def _shorten(at: Context, old: Place, new: Place, before: Array, counts: tuple[int, int]) -> None:
    """Elements fall off: a text has to end before, other ones have to be decided, or zero."""
    have, want = counts
    size = at.measure(before.element, old=True)
    if at.old_types.bare(before.element) == Primitive("char"):
        what = f"{old.subject}: a text is longer than the {want} bytes that it has now"
        at.made.refuse_if(f"!memchr({old.text}, 0, {want})", what, str(have), "the text has to end within the new size")
        return
    counter = at.said(Topic.LENGTH, old.subject)
    if counter is not None:
        holder = old.text.rpartition("->")[0] if "." not in old.text else old.text.rpartition(".")[0]
        joint = "->" if "." not in old.text else "."
        value = f"{holder}{joint}{counter}" if counter.isidentifier() else counter
        what = f"{old.subject}: more elements are in use than the {want} that it has now"
        at.made.refuse_if(f"{value} > {want}", what, f"(int64_t){value}", f"decided: {counter} counts them")
        return
    if is_confirmed(at, old, new):
        at.made.line(f"/* decided: the elements of {old.subject} from {want} on are unused */")
        return
    relation = relate(at.pair, old.type, new.type)
    if relation.question:
        confirm(at, old, new, relation)
    with at.made.block(f"for (size_t k = {want * size}; k < {have * size}; k++)", "what falls off has to be zero"):
        what = f"{old.subject}: an element is not zero that the version to come does not have"
        at.made.refuse_if(f"((const unsigned char *){old.text})[k]", what, f"(int64_t)(k / {size})")


def _lengthen(at: Context, new: Place, after: Array, counts: tuple[int, int]) -> None:
    """New elements: as decided, zero where only plain values are added."""
    have, want = counts
    said = at.said(Topic.INITIAL, new.subject)
    scalar = at.new_types.scalar(at.new_types.element(after.element))
    rest = f"the {want - have} new elements"
    tail = Place(f"{new.text}[{have}]", new.type, 0, (want - have) * at.measure(after.element, old=False), new.subject)
    if said is None or said.strip() == "0":
        if said is None and (scalar is None or scalar.kind is ScalarKind.POINTER):
            question = f"which value have {rest} of {new.subject} in objects that exist?"
            at.ask(Topic.INITIAL, new.subject, question, (), "NULL" if scalar is not None else "0", Grade.WEAK)
        zero(at.made, tail, f"{rest} begin as zero")
        return
    with at.made.loop(str(want - have), f"{rest}, as decided") as index:
        size = at.measure(after.element, old=False)
        begin_with(at, new.element(f"{have} + {index}", after.element, size), said, "decided")


# -- flexible arrays


def _flexible(at: Context, old: Place, new: Place, types: tuple[CType, CType], reason: str) -> None:
    """An array whose length the type does not tell: a sibling that counts its elements has to."""
    said = at.said(Topic.LENGTH, old.subject)
    siblings = _counters(at, old)
    if said is None:
        likely = next((each for each in siblings if each.lower().strip("_").endswith(_COUNTS)), "")
        question = f"which member counts the elements of {old.subject}?"
        at.ask(Topic.LENGTH, old.subject, question, (*siblings, ALLOCATION), likely)
        return
    if "->" not in old.text or "." in old.text:
        at.ask_for_code(f"{old.subject} is a flexible array inside another record")
        return
    steps = at.measure(types[0], old=True), at.measure(types[1], old=False)
    count = tail_count(said, siblings, at.old_header.side)
    at.made.tail = Tail(old.offset, new.offset, *steps, types[0], f"{old.subject}[]", count)
    why = f"{reason}; {'its block' if said == ALLOCATION else said} tells how many elements there are"
    if is_raw_copy(at, *types):
        at.made.line(f"memcpy({new.text}, {old.text}, migration->tail * {steps[0]});", why)
        return
    with at.made.loop("migration->tail", why) as index:
        runs = len(at.made.runs)
        at.value(at, old.element(index, types[0], steps[0]), new.element(index, types[1], steps[1]), reason)
        del at.made.runs[runs:]  # how many there are is not known here


def tail_count(said: str, siblings: Collection[str], side: Side) -> str:
    """Return the count of a `Tail` where `said` was decided of a record of `side` that has the numbers `siblings`."""
    return said if said == ALLOCATION else f"{side}->{said}" if said in siblings else said


def _counters(at: Context, place: Place) -> tuple[str, ...]:
    """The members beside a flexible array that are whole numbers."""
    record = at.pair.old.records.get(place.subject.rpartition(".")[0])
    return () if record is None else whole_numbers(at.old_types, record)


def whole_numbers(types: Types, record: Record) -> tuple[str, ...]:
    """Return the members of a record that may count something."""
    found = []
    for member in record.members:
        scalar = types.scalar(member.type)
        if member.name and scalar is not None and scalar.kind is ScalarKind.INTEGER and member.width is None:
            found.append(member.name)
    return tuple(found)
