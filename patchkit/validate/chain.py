"""Whether one update gives what a chain of updates gives: sample objects go both ways and are compared."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from patchkit.model.ctype import spell
from patchkit.validate.dynamics import Session, Tried, told
from patchkit.validate.findings import Finding, Subject
from patchkit.validate.harness import Ended, run_cases
from patchkit.validate.leaves import Leaf, leaves
from patchkit.validate.samples import Block, Case, flexible, new_size_of

_NEW = 0x2100_0000_0000  # in the half of memory that conversions write to
_STEP = 4096


@dataclass(frozen=True, slots=True)
class Outcome:
    """What comparing gave. `compared` counts the samples that arrive both ways, `dropped` those that neither brings."""

    compared: int
    dropped: int
    findings: tuple[Finding, ...]


def compare_chain(steps: Sequence[Subject], whole: Subject) -> Outcome:
    """Compare what the updates `steps`, one after the other, make of the samples of `whole` with what that makes of
    them. Raises ToolError where there is no compiler, and InputError for a sample that is wrong.
    """
    direct, sessions = Session(whole), [Session(each) for each in steps]
    broken = [finding for session in (direct, *sessions) for finding in session.broken(0)]
    if broken:
        return Outcome(0, 0, tuple(broken))
    walked = _walk(sessions, [_begin(direct, tried) for tried in direct.tried])
    findings = dict[str, Finding]()
    for tried, end in zip(direct.tried, walked, strict=True):
        for name, finding in _differences(direct, tried, end):
            findings.setdefault(name, finding)
    compared = sum(end.failure == "" and _arrives(tried) for tried, end in zip(direct.tried, walked, strict=True))
    dropped = sum(end.failure != "" and not _arrives(tried) for tried, end in zip(direct.tried, walked, strict=True))
    return Outcome(compared, dropped, tuple(findings.values()))


def _arrives(tried: Tried) -> bool:
    return tried.runs[2].ended is Ended.DONE


@dataclass(frozen=True, slots=True)
class _Walk:
    """The blocks of a sample as they are after some steps; `failure` says why there are none any more.

    `tails` count the elements of the flexible array at the end of each block's object.
    """

    sample: Tried
    blocks: tuple[Block, ...]
    tails: tuple[int, ...]
    failure: str = ""


def _begin(direct: Session, tried: Tried) -> _Walk:
    blocks = tuple(replace(block, now=0, new_size=0) for block in tried.case.blocks)
    return _Walk(tried, blocks, (tried.case.tail, *(_tail(direct, block) for block in blocks[1:])))


def _tail(direct: Session, block: Block) -> int:
    pair = direct.subject.planned.pair
    record = pair.old.records.get(block.type)
    found = flexible(pair.old_types, record) if record is not None else None
    return max(0, (len(block.data) - found[1]) // found[2]) if found is not None and found[2] else 0


def _walk(sessions: Sequence[Session], walks: list[_Walk]) -> list[_Walk]:
    for session in sessions:
        laid = [_laid_out(session, walk) for walk in walks]
        jobs = [(number, at, case) for number, walk in enumerate(laid) for at, case in _cases(session, walk)]
        assert session.program is not None  # or it was found broken
        runs = run_cases(session.program, [case for _, _, case in jobs], session.subject) if jobs else []
        outputs = dict[int, dict[int, bytes]]()
        failures = dict[int, str]()
        for (number, at, case), (*_, run) in zip(jobs, runs, strict=True):
            outputs.setdefault(number, {})[at] = run.output
            if run.ended is not Ended.DONE:
                failures.setdefault(number, f"{case.record.key}: {told(run)}")
        walks = [_stepped(session, walk, outputs.get(n, {}), failures.get(n, "")) for n, walk in enumerate(laid)]
    return walks


def _laid_out(session: Session, walk: _Walk) -> _Walk:
    """Give each object that a step converts its next place, above all that there is."""
    place = max([_NEW, *(block.place + len(block.data) for block in walk.blocks)])
    blocks = []
    pair = session.subject.planned.pair
    for block, tail in zip(walk.blocks, walk.tails, strict=True):
        if block.type in session.changed:
            place = -(-place // _STEP) * _STEP + _STEP
            size = new_size_of(pair, session.changed[block.type], tail)
            blocks.append(replace(block, now=place, new_size=size))
            place += size
        else:
            blocks.append(block)
    return replace(walk, blocks=tuple(blocks))


def _cases(session: Session, walk: _Walk) -> Iterator[tuple[int, Case]]:
    pair, blocks = session.subject.planned.pair, walk.blocks
    if walk.failure:
        return
    for at, block in enumerate(blocks):
        if block.type not in session.changed:
            continue
        record, successor = pair.old.records[block.type], pair.new.records[session.changed[block.type]]
        others = (*blocks[:at], *blocks[at + 1 :])
        yield (
            at,
            Case(walk.sample.case.sample, record, successor, walk.tails[at], block.new_size, (block, *others), {}, {}),
        )


def _stepped(session: Session, walk: _Walk, outputs: Mapping[int, bytes], failure: str) -> _Walk:
    forward = session.subject.planned.pair.records.forward
    blocks = tuple(
        Block(block.now, outputs[at], session.changed[block.type])
        if at in outputs
        else replace(block, type=forward.get(block.type, ""))
        for at, block in enumerate(walk.blocks)
    )
    return replace(walk, blocks=blocks, failure=walk.failure or failure)


def _differences(direct: Session, tried: Tried, end: _Walk) -> Iterator[tuple[str, Finding]]:
    """Yield each member that arrives as another value, with its name, and what arrives on one way alone."""
    case, run = tried.case, tried.runs[2]
    key = case.successor.key
    if _arrives(tried) == bool(end.failure):
        how = f"over the steps it does not: {end.failure}" if end.failure else f"straight on it does not: {told(run)}"
        text = f"{case.record.key} arrives on one way alone; {how}"
        yield case.record.key, _finding(direct, text, case, [case.record.key])
    if end.failure or not _arrives(tried):
        return
    for leaf in leaves(direct.subject.planned.pair.new_types, case.successor):
        one = _value(leaf, run.output, direct, case.blocks)
        other = _value(leaf, end.blocks[0].data, direct, end.blocks)
        if one != other:
            text = f"{key}.{leaf.path} is {_shown(one)}, over the steps it is {_shown(other)}"
            backward = direct.subject.planned.pair.records.backward
            yield f"{leaf.keys[-1]}.{leaf.path}", _finding(direct, text, case, [backward.get(k, k) for k in leaf.keys])


_Value = tuple[str, int]


def _value(leaf: Leaf, data: bytes, direct: Session, blocks: Sequence[Block]) -> _Value:
    """What a member holds: a number, or which object it points into and where, since places differ on both ways."""
    value = leaf.value_in(data)
    types = direct.subject.planned.pair.new_types
    if not leaf.union and not spell(types.bare(leaf.type)).endswith("*"):
        return "", value
    for number, block in enumerate(blocks):
        place, size = (block.now, block.new_size) if block.now else (block.place, len(block.data))
        if place <= value < place + size:
            return f"object {number}", value - place
    if leaf.union or value < _STEP:
        return "", value
    return "memory of its own", 0  # that a conversion took: its place says nothing


def _shown(value: _Value) -> str:
    name, number = value
    if name == "memory of its own":
        return name
    return f"{name}+{number}" if name else f"{number:#x}"


def _finding(direct: Session, text: str, case: Case, keys: Sequence[str]) -> Finding:
    file, line = direct.place_of(keys)
    hint = "correct the update straight on, by `patchkit decide` or in its C, and compare again"
    return Finding(0, "PKM705", file, line, text, hint, case.sample.name)
