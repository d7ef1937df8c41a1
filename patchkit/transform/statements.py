"""A conversion as it is written: its statements, where old parts went, and the questions that stand."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from patchkit.diff.pair import Pair
from patchkit.diff.types import Types
from patchkit.model.change import Grade
from patchkit.model.ctype import CType
from patchkit.model.decision import Decisions, Topic
from patchkit.model.program import Enum
from patchkit.transform.changed import Changed
from patchkit.transform.headers import Header
from patchkit.transform.layouts import measure
from patchkit.transform.members import Story
from patchkit.transform.places import Place, Run
from patchkit.transform.shapes import Open

_RUNS = 65536  # of an array whose elements changed; what lies behind them is not found by pointers into the middle


@dataclass(frozen=True, slots=True)
class Tail:
    """A flexible array at the end of a record: where it begins and what an element takes, in bytes, on both sides.

    `element` is its type in the running version, `subject` what decisions call an element. `count` is a C expression
    over `old`, the record, for the number of elements; `allocation` stands for as many as its block has room for.
    """

    old_offset: int
    new_offset: int
    old_size: int
    new_size: int
    element: CType
    subject: str
    count: str


@dataclass(slots=True)
class Conversion:
    """The function that converts objects of the record `old` to those of `new`.

    `runs` say where parts of an old object are in the new one. `pinned` names members that may be copied only where the
    object does not move, `notes` what a reader of a report should know. `by_hand`: a programmer does what is not clear.
    """

    old: str
    new: str
    by_hand: bool = False
    lines: list[str] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    open: list[Open] = field(default_factory=list)
    pinned: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    tail: Tail | None = None
    depth: int = 1
    loops: int = 0

    def line(self, text: str, reason: str = "") -> None:
        """Add a line at the depth of the block, with the reason for it."""
        remark = f" /* {reason.replace('*/', '* /')} */" if reason else ""
        self.lines.append("    " * self.depth + text + remark)

    @contextmanager
    def block(self, head: str, reason: str = "") -> Iterator[None]:
        """Indent what is added meanwhile as the body of `head`."""
        self.line(f"{head} {{".lstrip(), reason)
        self.depth += 1
        yield
        self.depth -= 1
        self.line("}")

    @contextmanager
    def loop(self, count: str, reason: str = "") -> Iterator[str]:
        """Indent what is added meanwhile as the body of a loop, whose index it gets."""
        index = "ijklmn"[self.loops] if self.loops < 6 else f"i{self.loops}"
        self.loops += 1
        with self.block(f"for (size_t {index} = 0; {index} < {count}; {index}++)", reason):
            yield index
        self.loops -= 1

    def refuse_if(self, condition: str, what: str, value: str, reason: str = "") -> None:
        """End the update where `condition` holds of a live object."""
        self.line(f"if ({condition})", reason)
        self.line(f'    return pk_refuse(migration, "{quoted(what)}", {value});')


def quoted(text: str) -> str:
    """Return `text` as it stands between quotes in C; the runtime takes a format of its own, so % must not be there."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "percent")


@dataclass(frozen=True, slots=True)
class Context:
    """What every statement of a conversion may ask: both programs, decisions, headers, and other conversions.

    `convert` returns the conversion of a record by old and new key, `remap` the name of the function that renumbers an
    enumeration, `value` writes the statements for a member of any type.
    """

    pair: Pair
    changed: Changed
    decisions: Decisions
    old_header: Header
    new_header: Header
    made: Conversion
    story: Story
    convert: Callable[[str, str], Conversion]
    remap: Callable[[Enum, Enum], str]
    value: Callable[["Context", Place, Place, str], None]

    @property
    def old_types(self) -> Types:
        """The types of the running version."""
        return self.pair.old_types

    @property
    def new_types(self) -> Types:
        """The types of the new version."""
        return self.pair.new_types

    def said(self, topic: Topic, *subjects: str) -> str | None:
        """Return what was decided about the first of `subjects` that something was decided about."""
        return next((said for each in subjects if (said := self.decisions.value(topic, each)) is not None), None)

    def ask(
        self,
        topic: Topic,
        subject: str,
        question: str,
        choices: tuple[str, ...] = (),
        proposal: str = "",
        grade: Grade = Grade.WEAK,
        evidence: tuple[str, ...] = (),
    ) -> None:
        """Leave a question open, to the programmer where one converts the record by hand."""
        self.made.line(f"/* {quoted(question).replace('*/', '* /')} */")
        if not self.made.by_hand:
            self.made.open.append(Open(topic, subject, question, choices, proposal, grade, evidence))
            return
        self.ask_for_code(question)

    def ask_for_code(self, what: str) -> None:
        """Leave something to a programmer: one function has all that is left of a record."""
        subject = self.made.old
        before = next((each for each in self.made.open if each.topic is Topic.CODE), None)
        if before is not None and what not in before.question:
            self.made.open.remove(before)
            what = f"{before.question}; {what}"
        elif before is not None:
            return
        self.made.open.append(Open(Topic.CODE, subject, what, ("transform.c",), "transform.c"))

    def run(self, old: Place, new: Place, size: int | None = None) -> None:
        """Note that a part of the old object is in the new one; bit-fields have no address."""
        if old.width is None and new.width is None:
            self.made.runs.append((old.offset, new.offset, min(old.size, new.size) if size is None else size))

    def repeat(self, before: int, count: int, steps: tuple[int, int]) -> None:
        """Note the runs from number `before` on, which are those of a first element, for all `count` elements."""
        own = self.made.runs[before:]
        if len(own) * count > _RUNS:
            text = "pointers into the middle of elements are not led anywhere but to the first"
            self.made.notes.append(f"{self.made.old}: {text}: there are {count} of them")
            return
        for number in range(1, count):
            self.made.runs += [(one + number * steps[0], to + number * steps[1], size) for one, to, size in own]

    def measure(self, ctype: CType, *, old: bool) -> int:
        """Return the bytes of an object of a type."""
        return measure(self.old_types if old else self.new_types, ctype)[0]


def zero(made: Conversion, place: Place, reason: str) -> None:
    """Set a member of the new object to zero bytes."""
    if place.width is not None:
        made.line(f"{place.text} = 0;", reason)
    else:
        made.line(f"memset({place.address}, 0, {place.size});", reason)


def copy(made: Conversion, old: Place, new: Place, reason: str) -> None:
    """Copy the bytes of a member."""
    made.line(f"memcpy({new.address}, {old.reading()}, {min(old.size, new.size)});", reason)
