"""Levels 3 to 5: the conversions of an update, run on samples."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from patchkit.model.ctype import CType, spell
from patchkit.model.decision import Topic
from patchkit.transform.changed import Changed
from patchkit.transform.names import conversion_name, transformer_name
from patchkit.transform.stubs import find_function
from patchkit.validate.extremes import Extremes
from patchkit.validate.findings import Finding, Subject
from patchkit.validate.harness import Ended, Run, Unbuildable, build_harness, run_cases
from patchkit.validate.leaves import Leaf, leaves
from patchkit.validate.reports import read_fault
from patchkit.validate.samples import Book, Case, cases, read_samples
from patchkit.validate.values import Value, decode, differences

_ERROR = re.compile(r"^(?P<file>[^:\n]+):(?P<line>\d+):(?:\d+:)? (?:fatal )?error: (?P<text>[^\n]*)", re.M)
_FILLS = (0x5A, 0xA5)
_INDEX = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Tried:
    """A case with what its runs gave, the last over zeros, as in a process; `generated` where no file has it."""

    case: Case
    runs: tuple[Run, Run, Run]
    generated: bool


@dataclass
class Session:
    """One validation: what several levels need is made once."""

    subject: Subject
    unbuildable: str = ""
    told: bool = False
    _lines: dict[tuple[Path, str], int] = field(default_factory=dict)

    @cached_property
    def changed(self) -> Mapping[str, str]:
        """The records of which generated/migrate.c has a table, by old key."""
        planned = self.subject.planned
        records = Changed(planned.pair, planned.decisions).records
        return {key: successor for key, successor in records.items() if key in planned.written.converted}

    @cached_property
    def program(self) -> Path | None:
        """The harness, None where the update's C does not compile."""
        try:
            return build_harness(self.subject)
        except Unbuildable as problem:
            self.unbuildable = str(problem)
            return None

    @cached_property
    def books(self) -> tuple[Book, ...]:
        """The samples that people gave."""
        return tuple(read_samples(path) for path in self.subject.samples)

    @cached_property
    def given(self) -> list[Tried]:
        """The samples that people gave, run."""
        return self._try([case for book in self.books for case in self._cases(book)], generated=False)

    @cached_property
    def generated(self) -> list[Tried]:
        """Samples at the extremes of each member, run."""
        planned = self.subject.planned
        made = Extremes(planned.pair, self.changed, planned.decisions)
        alone = [key for key in self.changed if not planned.pair.old.records[key].parent]
        return self._try([case for key in alone for case in self._cases(made.of(key))], generated=True)

    def _cases(self, book: Book) -> list[Case]:
        return list(cases(self.subject.planned.pair, self.changed, book))

    def _try(self, wanted: Sequence[Case], *, generated: bool) -> list[Tried]:
        if self.program is None or not wanted:
            return []
        runs = run_cases(self.program, wanted, self.subject)
        return [Tried(case, each, generated) for case, each in zip(wanted, runs, strict=True)]

    @property
    def tried(self) -> list[Tried]:
        """All runs."""
        return [*self.given, *self.generated]

    def broken(self, level: int) -> Iterator[Finding]:
        """Yield once that nothing can be run."""
        if self.program is None and not self.told:
            self.told = True
            match = _ERROR.search(self.unbuildable)
            file, line = (match["file"], int(match["line"])) if match else (str(self.subject.sources[-1]), 0)
            text = match["text"] if match else (self.unbuildable.strip().splitlines() or ["the compiler ended"])[-1]
            hint = "correct it; `patchkit validate --level 1` names all that compilers say"
            yield Finding(level, "PKX603", file, line, f"no sample can be run: {text}", hint)

    def by_hand(self, key: str) -> bool:
        """Whether a programmer converts the record `key`."""
        return self.subject.planned.decisions.value(Topic.CODE, key) is not None

    def place_of(self, keys: Sequence[str]) -> tuple[str, int]:
        """Return where the conversion of the innermost of the old records `keys` that has one is written."""
        for key in reversed(keys):
            name = transformer_name(key, self.subject.way) if self.by_hand(key) else conversion_name(key)
            source = self.subject.sources[-1 if self.by_hand(key) else 0]
            line = self._line(source, name, by_hand=self.by_hand(key))
            if line:
                return str(source), line
        return str(self.subject.sources[0]), 0

    def _line(self, source: Path, name: str, *, by_hand: bool) -> int:
        if (source, name) not in self._lines:
            text = source.read_text(encoding="utf-8", errors="replace")
            if by_hand:
                function = find_function(text, name)
                line = function.line if function is not None else 0
            else:
                match = re.search(rf"^static int {re.escape(name)}\(", text, re.M)
                line = text.count("\n", 0, match.start()) + 1 if match else 0
            self._lines[source, name] = line
        return self._lines[source, name]


# -- level 3


def unwritten(session: Session) -> Iterator[Finding]:
    """Level 3: every bit of every member of a new object is written, whatever was there before."""
    yield from session.broken(3)
    pair = session.subject.planned.pair
    seen = set[str]()
    for tried in session.tried:
        case = tried.case
        if tried.runs[0].ended is not Ended.DONE or tried.runs[1].ended is not Ended.DONE:
            continue
        for leaf in leaves(pair.new_types, case.successor):
            bits = _left(leaf, tried.runs)
            name = _INDEX.sub("[]", f"{case.successor.key}.{leaf.path}".rstrip("."))
            if not bits or name in seen:
                continue
            seen.add(name)
            yield _forgotten(session, case, leaf, name, bits)


def _left(leaf: Leaf, runs: tuple[Run, Run, Run]) -> int:
    """How many bits of a member hold in both runs what was there before; of a union: all, or it counts as written."""
    mask = (1 << leaf.bits) - 1
    same = mask
    for run, fill in zip(runs[:2], _FILLS, strict=True):
        first, last = leaf.bit // 8, (leaf.bit + leaf.bits + 7) // 8
        word = int.from_bytes(run.output[first:last], "little")
        before = int.from_bytes(bytes([fill]) * (last - first), "little")
        same &= ~(word ^ before) >> leaf.bit % 8
    left = same.bit_count()
    return 0 if leaf.union and left < leaf.bits else left


def _forgotten(session: Session, case: Case, leaf: Leaf, name: str, bits: int) -> Finding:
    subject = session.subject
    backward = subject.planned.pair.records.backward
    keys = [backward[key] for key in leaf.keys if key in backward]
    file, line = session.place_of(keys)
    amount = f"{bits // 8} of its {leaf.bits // 8} bytes" if bits % 8 == 0 else f"{bits} of its {leaf.bits} bits"
    part = amount if bits != leaf.bits else "it"
    text = f"{name} is not written: {part} would hold what was in memory"
    member = leaf.path.rpartition(".")[2] or leaf.path
    hint = (
        f"set {subject.target}->{leaf.path} in {transformer_name(keys[-1], subject.way)}" if keys else f"write {member}"
    )
    if not any(session.by_hand(key) for key in keys):
        hint = f'decide what it begins with: patchkit decide "{subject.key(f"initial {name}")}" VALUE --reason ...'
    return Finding(3, "PKX603", file, line, text, hint, case.sample.name)


# -- level 4


def faults(session: Session) -> Iterator[Finding]:
    """Level 4: no conversion crashes, loops, or uses memory that is not its own, on any sample."""
    yield from session.broken(4)
    seen = set[tuple[str, str, int]]()
    for tried in session.tried:
        case = tried.case
        for run in tried.runs[2:]:
            fault = read_fault(run, case, session.subject.sources)
            if fault is None:
                continue
            file, line = (fault.file, fault.line) if fault.line else session.place_of([case.record.key])
            if (fault.rule, file, line) not in seen:
                seen.add((fault.rule, file, line))
                yield Finding(4, fault.rule, file, line, fault.text, fault.hint, case.sample.name)
        yield from _owned(session, tried, seen)


def _owned(session: Session, tried: Tried, seen: set[tuple[str, str, int]]) -> Iterator[Finding]:
    """What a conversion drops it drops once, and no new object leads there; nor to an old object that moved."""
    case, run = tried.case, tried.runs[2]
    file, line = session.place_of([case.record.key])
    twice = len(set(run.dropped)) != len(run.dropped)
    pointers = _pointers(session, case, run) if run.ended is Ended.DONE else {}
    kept = next((path for path, place in pointers.items() if place and place in run.dropped), None)
    stale = next((path for path, place in pointers.items() if _is_stale(case, place)), None)
    name = f"the conversion of {case.record.key}"
    rows = (
        (twice, f"{name} drops one object twice", "call pk_dropped once for each object"),
        (
            kept is not None,
            f"{name} drops what {session.subject.target}->{kept} leads to, which would be freed in use",
            "drop it or carry it over, not both",
        ),
        (
            stale is not None,
            f"{session.subject.target}->{stale} leads to an old object, which is given back once the update stands",
            "lead it to the new one: pk_forward(migration, p)",
        ),
    )
    for wrong, text, hint in rows:
        if wrong and (text, file, line) not in seen:
            seen.add((text, file, line))
            yield Finding(4, "PKX604", file, line, text, hint, case.sample.name)


def _pointers(session: Session, case: Case, run: Run) -> dict[str, int]:
    types = session.subject.planned.pair.new_types
    found = {}
    for leaf in leaves(types, case.successor):
        if not leaf.union and spell(types.bare(leaf.type)).endswith("*") and leaf.bits == 64:
            found[leaf.path] = int.from_bytes(run.output[leaf.bit // 8 : leaf.bit // 8 + 8], "little")
    return found


def _is_stale(case: Case, place: int) -> bool:
    return any(block.now and block.place <= place < block.place + len(block.data) for block in case.blocks)


# -- level 5


def compared(session: Session) -> Iterator[Finding]:
    """Level 5: the samples of the update become what they are expected to."""
    yield from session.broken(5)
    for tried in session.given:
        if tried.case.sample.expect is not None:
            yield from _as_expected(session, tried)
    for key in session.changed:
        if session.by_hand(key) and session.program is not None:
            yield from _untested(session, key)


def _as_expected(session: Session, tried: Tried) -> Iterator[Finding]:
    case, run = tried.case, tried.runs[2]
    book = next(each for each in session.books if case.sample in each.objects.values())
    where = str(book.path), case.sample.line
    if run.ended is not Ended.DONE:
        text = f"{case.record.key} does not become what is expected: {told(run)}"
        yield Finding(5, "PKX614", *where, text, "see what level 4 says, or correct the sample", case.sample.name)
        return
    found = decode(session.subject.planned.pair.new_types, case.successor, run.output, _Spelling(case), case.tail)
    for path, expected, value in differences(case.sample.expect, found, ""):
        text = f"new {path or case.successor.key} is {_shown(value)}, expected {_shown(expected)}"
        file, line = session.place_of([case.record.key])
        hint = f"correct the conversion ({Path(file).name}:{line}), or what the sample expects"
        yield Finding(5, "PKX614", *where, text, hint, case.sample.name)


def told(run: Run) -> str:
    """Return why a run gave no object."""
    return f"it is refused: {run.text} ({run.value})" if run.ended is Ended.REFUSED else _WHY[run.ended]


_WHY = {
    Ended.GAVE_UP: "it returns an error",
    Ended.DIED: "it crashes",
    Ended.TOO_LONG: "it does not end",
    Ended.MISSING: "it calls a function that only the program has",
}


def _shown(value: Value) -> str:
    return "NULL" if value is None else str(value)


class _Spelling:
    """Spells the addresses of new objects as files of samples do."""

    def __init__(self, case: Case) -> None:
        self.case = case

    def __call__(self, place: int, ctype: CType) -> Value:
        del ctype
        if not place:
            return None
        for key, block in self.case.places.items():
            for start, size in ((block.now, block.new_size), (block.place, len(block.data))):
                if start and start <= place < start + size:
                    return f"&{key}+{place - start}" if place > start else f"&{key}"
        text = self.case.texts.get(place)
        return {"text": text} if text is not None else {"address": f"{place:#x}"}


def _untested(session: Session, key: str) -> Iterator[Finding]:
    """Say where nothing shows that a conversion by hand does what it should."""
    own = [tried for tried in session.tried if tried.case.record.key == key]
    file, line = session.place_of([key])
    called = next((run.text for each in own for run in each.runs if run.ended is Ended.MISSING), "")
    expected = any(not each.generated and each.case.sample.expect is not None for each in own)
    name = f"the conversion of {key}"
    rehearse = "rehearse the update on a copy of a process: patchkit rehearse PID BUNDLE"
    if called:
        text = f"{name} calls {called}, which only the program has, so samples do not show what it does"
        yield Finding(5, "PKX607", file, line, text, rehearse, key, note=True)
    elif own and all(each.runs[2].ended is Ended.REFUSED for each in own):
        text = f"{name} refuses every sample, the first with: {own[0].runs[2].text}"
        yield Finding(5, "PKX607", file, line, text, "give one in samples/ that can be converted", key, note=True)
    elif not expected:
        text = f"{name} has no sample with an expected result"
        hint = 'write one to samples/NAME.json: an object with "type", "value" and "expect"'
        yield Finding(5, "PKX607", file, line, text, hint, key, note=True)
