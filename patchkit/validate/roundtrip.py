"""Level 6: objects that go to the new version and come back are what they were, where there is a way back."""

import re
from collections.abc import Iterator
from dataclasses import replace

from patchkit.model.decision import Topic
from patchkit.validate.dynamics import Session, Tried, told
from patchkit.validate.findings import Finding
from patchkit.validate.harness import Ended, Run, run_cases
from patchkit.validate.leaves import leaves
from patchkit.validate.samples import Block, Case

_INDEX = re.compile(r"\[\d+\]")


def round_trips(there: Session, back: Session) -> Iterator[Finding]:
    """Yield where an object of the old version comes back as another, but for what the new version has no room for.

    What a programmer's conversion changes is one note: it may be meant.
    """
    yield from there.broken(6)
    yield from back.broken(6)
    gone = [tried for tried in there.tried if tried.runs[2].ended is Ended.DONE and _comes_back(back, tried.case)]
    if not gone or back.program is None:
        return
    cases = [_way_back(there, tried) for tried in gone]
    seen, meant = set[str](), dict[str, set[str]]()
    for tried, case, runs in zip(gone, cases, run_cases(back.program, cases, back.subject), strict=True):
        for member, text, hint, keys in _differences(back, tried.case, runs[2]):
            if any(session.by_hand(key) for session in (there, back) for key in (*keys, case.record.key)):
                meant.setdefault(tried.case.record.key, set()).add(member)
            elif (name := f"{tried.case.record.key}.{member}") not in seen:
                seen.add(name)
                yield Finding(6, "PKX615", *back.place_of(keys), text, hint, tried.case.sample.name)
    for key, members in sorted(meant.items()):
        text = f"{key} comes back with other values of {', '.join(sorted(members))}"
        hint = (
            "it is converted by hand, so it may be meant; a sample in samples/down with `expect` shows that it is right"
        )
        yield Finding(6, "PKX615", *back.place_of([key]), text, hint, key, note=True)


def _comes_back(back: Session, case: Case) -> bool:
    return back.changed.get(case.successor.key) == case.record.key


def _way_back(there: Session, tried: Tried) -> Case:
    """The case that takes what a run gave back to where its object was."""
    case, first = tried.case, tried.case.blocks[0]
    start = Block(first.now, tried.runs[2].output, case.successor.key, first.place, len(first.data))
    others = (
        Block(each.now, bytes(each.new_size), there.changed[each.type], each.place, len(each.data))
        if each.now
        else each
        for each in case.blocks[1:]
    )
    return replace(
        case, record=case.successor, successor=case.record, size=len(first.data), blocks=(start, *others), places={}
    )


def _differences(back: Session, case: Case, run: Run) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Yield members that came back as another value: path, sentence, what to do, and the records that they lie in."""
    key = case.record.key
    if run.ended is not Ended.DONE:
        text = f"{case.successor.key} does not come back as {key}: {told(run)}"
        yield "all of it", text, "see what level 4 says of the way back, or correct the conversion", (key,)
        return
    for leaf in leaves(back.subject.planned.pair.new_types, case.record):
        name = _INDEX.sub("[]", f"{leaf.keys[-1]}.{leaf.path.rpartition('.')[2]}")
        if leaf.union or _is_lost(back, name):
            continue
        was, now = leaf.value_in(case.blocks[0].data), leaf.value_in(run.output)
        if was != now:
            hint = f'correct the way back, or say what it has instead: patchkit decide "down initial {name}" VALUE'
            text = f"{key}.{leaf.path} comes back as {now:#x}, it was {was:#x}"
            yield _INDEX.sub("[]", leaf.path), text, f"{hint} --reason ...", leaf.keys


def _is_lost(back: Session, name: str) -> bool:
    """Whether it was decided what a member has when it comes back, so that it need not be what it was."""
    return back.subject.planned.decisions.value(Topic.INITIAL, name.replace("[]", "")) is not None
