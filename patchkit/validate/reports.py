"""What the sanitizers said of a run, as one sentence that names the place in the programmer's source."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from patchkit.model.words import counted
from patchkit.validate.harness import Ended, Run
from patchkit.validate.samples import Block, Case

_FRAME = re.compile(r"^\s*#\d+ (?:0x[0-9a-f]+ )?(?:in )?(?P<function>\S+) (?P<file>[^\s:]+):(?P<line>\d+)", re.M)
_KIND = re.compile(r"ERROR: AddressSanitizer: (?P<kind>attempting [\w-]+ on|[\w-]+)")
_ADDRESS = re.compile(r"(?:on (?:unknown )?address|malloc\(\)-ed:|attempting double-free on) (?P<address>0x[0-9a-f]+)")
_ACCESS = re.compile(r"\b(?P<access>READ|WRITE)(?: of size (?P<size>\d+)| memory access)")
_UNDEFINED = re.compile(r"^(?P<file>[^\s:]+):(?P<line>\d+):\d+: runtime error: (?P<text>.*)$", re.M)
_SIGNALS = {
    "SEGV": "uses memory that nothing is in",
    "FPE": "divides by zero",
    "ABRT": "aborts",
    "ILL": "runs into a trap",
}
_FREES = re.compile(r"\bin (?:__interceptor_)?(?:free|cfree|realloc|reallocarray)\b")
_BOOKKEEPING = 16  # bytes
_NEAR = 4096  # bytes from an object within which it is taken for what was meant
_OWNERSHIP = (
    "what belongs to an old object is given back with pk_dropped(migration, p, release), once the update stands"
)
_OLD_STAYS = "write to the new object only: the old one must be as it was if the update is undone"


@dataclass(frozen=True, slots=True)
class Fault:
    """What a conversion did that it must not: a rule, where (line 0: unknown), in words, and what to do."""

    rule: str
    file: str
    line: int
    text: str
    hint: str


def read_fault(run: Run, case: Case, sources: Sequence[Path]) -> Fault | None:
    """Return what went wrong in a run, None where nothing did. The place is the innermost line of one of `sources`."""
    file, line = _place(run.report, sources)
    if run.ended is Ended.TOO_LONG:
        text = f"the conversion of {case.record.key} does not end"
        hint = "see what ends the loop on this object; a list that it walks may be a ring, or not end with NULL"
        return Fault("PKX612", file, line, text, hint)
    if run.ended is Ended.GAVE_UP:
        text = f"the conversion of {case.record.key} returns {run.value} and does not say why"
        hint = 'end with `return pk_refuse(migration, "MEMBER: REASON", VALUE);`, or return 0'
        return Fault("PKX613", file, line, text, hint)
    return _crash(run, case, file, line) if run.ended is Ended.DIED else None


def _place(report: str, sources: Sequence[Path]) -> tuple[str, int]:
    known = {str(path) for path in sources}
    undefined = _UNDEFINED.search(report)
    if undefined is not None and undefined["file"] in known:
        return undefined["file"], int(undefined["line"])
    first = report.partition("\n\n")[0] if "ERROR: AddressSanitizer" in report else report
    for match in _FRAME.finditer(first):
        if match["file"] in known:
            return match["file"], int(match["line"])
    return "", 0


def _crash(run: Run, case: Case, file: str, line: int) -> Fault:
    report, name = run.report, f"the conversion of {case.record.key}"
    undefined = _UNDEFINED.search(report)
    kind, address, access = _KIND.search(report), _ADDRESS.search(report), _ACCESS.search(report)
    if undefined is not None:
        hint = f"see what the line does with {case.sample.name}; what cannot be converted is refused with pk_refuse"
        return Fault("PKX611", file, line, f"{name} has undefined behaviour: {undefined['text']}", hint)
    place = int(address["address"], 16) if address is not None else 0
    what = kind["kind"] if kind is not None else ""
    frees = _FREES.search(report.partition("\n\n")[0])
    if what in _SIGNALS and frees is not None:  # its bookkeeping stands in front of what it is given
        near = _object_at(case, place + _BOOKKEEPING) or f"memory at {place:#x} that was not allocated"
        return Fault("PKX604", file, line, f"{name} frees {near}", _OWNERSHIP)
    if what.startswith("attempting") or what in ("bad-free", "alloc-dealloc-mismatch"):
        near = _object_at(case, place) or "memory that is no allocation of its own"
        twice = "double-free" in what
        text = f"{name} frees {'twice what it freed' if twice else near}"
        return Fault("PKX604", file, line, text, _OWNERSHIP)
    writes = access is not None and access["access"] == "WRITE"
    size = f"{counted(int(access['size']), 'byte', 'bytes')} " if access is not None and access["size"] else ""
    old = _old_at(case, place)
    if writes and old is not None:
        return Fault("PKX609", file, line, f"{name} writes to {old}", _OLD_STAYS)
    if what in _SIGNALS and not _object_at(case, place):
        text = f"{name} {_SIGNALS[what]}" + (f", at {place:#x}" if what == "SEGV" else "")
        hint = "test a pointer before it is followed; what cannot be converted is refused with pk_refuse"
        return Fault("PKX611", file, line, text, hint)
    if not what:
        text = f"{name} ends the process" + (f" with signal {-run.value}" if run.value < 0 else "")
        return Fault("PKX611", file, line, text, "return an error: pk_refuse ends the update and leaves the process")
    where = _object_at(case, place) or f"memory in a way that is wrong ({what})"
    text = f"{name} {'writes' if writes else 'reads'} {size}{where}"
    return Fault(
        "PKX611", file, line, text, "see that indices and lengths stay within the object, whose layout is in generated/"
    )


def _old_at(case: Case, place: int) -> str | None:
    """The old object that a place is inside of."""
    for key, block in _named(case):
        if block.place <= place < block.place + len(block.data):
            return f"the old {key}"
    return None


def _named(case: Case) -> list[tuple[str, Block]]:
    return [(block.type or "memory that an old object leads to", block) for block in case.blocks]


def _object_at(case: Case, place: int) -> str | None:
    """In words, where a place is as seen from the object nearest to it."""
    best: tuple[int, str] | None = None
    for key, block in _named(case):
        sides = [("the old", block.place, len(block.data))]
        sides += [("the new", block.now, block.new_size)] if block.now else []
        for side, start, size in sides:
            off = start - place if place < start else place - (start + size) if place >= start + size else -1
            if off > _NEAR or (best is not None and off >= best[0]):
                continue
            word = f"{side} {key}" if block.type else key
            if off < 0:
                text = word
            else:
                far = counted(off, "byte", "bytes") if off else "right"
                text = f"{far} {'before' if place < start else 'behind'} {word}"
            best = off, text
    return best[1] if best is not None else None
