"""Explains the members that only one version of a record has: grouped, renamed, moved elsewhere, else added or removed.

What rests on evidence is proposed with a question, and where two explanations fit alike neither is.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from difflib import SequenceMatcher

from patchkit.diff.findings import RULE_OF
from patchkit.diff.layout import Slot, declare, slots
from patchkit.diff.library_objects import library_object
from patchkit.diff.pair import Pair
from patchkit.diff.records import Delta
from patchkit.diff.types import ScalarKind
from patchkit.model.change import Edit, Grade, Verdict
from patchkit.model.ctype import Array, Named, Pointer, Tag
from patchkit.model.program import Function, Program, Record

_PADDING = re.compile(r"(?i:^_*(pad|padding|unused|reserved|spare|filler)_*\d*$)")
_DESCRIPTOR = re.compile(r"(?i:(^|_)(fd|fds|sock|socket|sockets|pipe|epfd)\d*$)|(?i:lock|mutex)")
_MAKES = re.compile(r"(?i:init|create|alloc|setup|reset|default)|(^|_)new(_|$)|[a-z]New$|^new[A-Z_]")
_ALIKE = 0.6  # how alike two names are whose members are not neighbours
_ENOUGH_FOR_A_SPLIT = 3
_NAMES_SHOWN = 3


def explain(pair: Pair, deltas: dict[str, Delta], fresh: Sequence[Record]) -> None:
    """Turn what `removed` and `added` hold in `deltas` into edits. `fresh`: records that only the new version has."""
    for delta in deltas.values():
        _group(pair, delta)
        _replace_containers(pair, delta)
        _rename(pair, delta)
    _move(pair, deltas, fresh)
    for delta in deltas.values():
        _add(pair, delta)
        _remove(pair, delta)


def _edit(
    kind: str,
    verdict: Verdict,
    name: str,
    text: str,
    old: Slot | None,
    new: Slot | None,
    question: str = "",
    grade: Grade = Grade.CERTAIN,
) -> Edit:
    return Edit(
        kind=kind,
        rule=RULE_OF[kind],
        verdict=verdict,
        name=name,
        text=text,
        was=declare(old.member, old.name) if old else "",
        now=declare(new.member, new.name) if new else "",
        old=old.member if old else None,
        new=new.member if new else None,
        question=question,
        grade=grade,
    )


def _group(pair: Pair, delta: Delta) -> None:
    """Members that reappear by name and type inside an added struct, or come out of a removed one."""
    inner_new = _insides(pair.new, delta.added, old=False, pair=pair)
    inner_old = _insides(pair.old, delta.removed, old=True, pair=pair)
    for slot in list(delta.removed):
        fitting = [
            (box, leaf)
            for box, leaf in inner_new
            if leaf.name == slot.name and pair.same(slot.member.type, leaf.member.type)
        ]
        if fitting:
            _regroup(delta, slot, fitting, [], f"is {fitting[0][1].path} now")
    for slot in list(delta.added):
        fitting = [
            (box, leaf)
            for box, leaf in inner_old
            if leaf.name == slot.name and pair.same(leaf.member.type, slot.member.type)
        ]
        if fitting:
            _regroup(delta, slot, [], fitting, f"was {fitting[0][1].path}")
    _open_boxes(delta, inner_new, delta.added, [e.new.name for e in delta.edits if e.kind == "T13" and e.new])
    _open_boxes(delta, inner_old, delta.removed, [e.old.name for e in delta.edits if e.kind == "T13" and e.old])


def _insides(program: Program, outside: Sequence[Slot], *, old: bool, pair: Pair) -> list[tuple[Slot, Slot]]:
    types = pair.old_types if old else pair.new_types
    found: list[tuple[Slot, Slot]] = []
    for box in outside:
        bare = types.bare(box.member.type)
        record = program.records.get(bare.key) if isinstance(bare, Named) else None
        if record is not None and record.tag is Tag.STRUCT:
            found += [(box, leaf) for leaf in slots(types, record, f"{box.path}.", box.member.offset).values()]
    return found


def _regroup(
    delta: Delta, slot: Slot, into: list[tuple[Slot, Slot]], out_of: list[tuple[Slot, Slot]], words: str
) -> None:
    fitting = into or out_of
    leaf = fitting[0][1]
    old, new = (slot, leaf) if into else (leaf, slot)
    if len(fitting) == 1:
        edit = _edit("T13", Verdict.AUTO, slot.path, f"{slot.path} {words}, with the same name and type", old, new)
    else:
        places = ", ".join(other.path for _, other in fitting)
        question = f"Is {delta.key}.{slot.path} the same as {leaf.path}, and not another of {places}?"
        edit = _edit(
            "T13", Verdict.CONFIRM, slot.path, f"{slot.path} {words} or one of {places}", old, new, question, Grade.WEAK
        )
    delta.edits.append(edit)
    (delta.removed if into else delta.added).remove(slot)


def _open_boxes(delta: Delta, insides: list[tuple[Slot, Slot]], outside: list[Slot], used: list[str]) -> None:
    """Replace each struct that members went into, or came out of, by those of its members that did not."""
    boxes = {box.path: box for box, leaf in insides if leaf.path in used}
    for path, box in boxes.items():
        outside.remove(box)
        outside.extend(leaf for other, leaf in insides if other.path == path and leaf.path not in used)


def _replace_containers(pair: Pair, delta: Delta) -> None:
    """A pointer to records that gave way to an array of pointers to them, or the reverse: a list became a table."""
    for slot in list(delta.removed):
        fitting = [other for other in delta.added if _other_container(pair, slot, other)]
        if len(fitting) == 1 and slot.scope == fitting[0].scope:
            new = fitting[0]
            text = (
                f"{slot.path} gave way to {new.path}, which holds the same records otherwise: all have to be moved over"
            )
            delta.edits.append(_edit("T15", Verdict.CODE, slot.path, text, slot, new, grade=Grade.STRONG))
            delta.removed.remove(slot)
            delta.added.remove(new)


def _other_container(pair: Pair, old: Slot, new: Slot) -> bool:
    one, other = pair.old_types.core(old.member.type), pair.new_types.core(new.member.type)
    if not isinstance(one, Named) or not isinstance(other, Named) or Tag.ENUM in (one.tag, other.tag):
        return False
    reached = [
        types.record(ctype) is None and isinstance(types.bare(ctype), Pointer | Array)
        for types, ctype in ((pair.old_types, old.member.type), (pair.new_types, new.member.type))
    ]
    return all(reached) and pair.same(one, other) and not pair.same(old.member.type, new.member.type)


def _rename(pair: Pair, delta: Delta) -> None:
    fitting = {
        slot.path: [other for other in delta.added if _may_be_renamed(pair, delta, slot, other)]
        for slot in delta.removed
    }
    claims: dict[str, int] = defaultdict(int)
    for others in fitting.values():
        for other in others:
            claims[other.path] += 1
    for slot in list(delta.removed):
        others = fitting[slot.path]
        if len(others) == 1 and claims[others[0].path] == 1:
            _propose_rename(pair, delta, slot, others[0])
        elif others:
            names = ", ".join(other.path for other in others)
            delta.evidence.append(f"{slot.path} is not matched with {names}: more than one explanation fits")


def _may_be_renamed(pair: Pair, delta: Delta, old: Slot, new: Slot) -> bool:
    if old.scope != new.scope or old.in_union or new.in_union or _PADDING.match(old.name) or _PADDING.match(new.name):
        return False
    if (old.member.width is None) is not (new.member.width is None) or not pair.same(old.member.type, new.member.type):
        return False
    alike = old.name in new.name or new.name in old.name
    alike = alike or SequenceMatcher(None, old.name, new.name).ratio() >= _ALIKE
    return alike or _neighbours(delta, old, new)


def _neighbours(delta: Delta, old: Slot, new: Slot) -> bool:
    """Whether the nearest members that both versions have are the same before or behind the two."""
    if old.member.offset == new.member.offset:
        return True
    shared = [(a.member.offset, b.member.offset) for a, b in delta.shared if a.scope == old.scope]
    before = max((pair for pair in shared if pair[0] < old.member.offset), default=None)
    behind = min((pair for pair in shared if pair[0] > old.member.offset), default=None)
    low = before[1] if before is not None else -1
    high = behind[1] if behind is not None else float("inf")
    return low < new.member.offset < high


def _propose_rename(pair: Pair, delta: Delta, old: Slot, new: Slot) -> None:
    followed, astray = _uses(pair, old.name, new.name)
    grade = Grade.STRONG if len(followed) > 1 and not astray else Grade.WEAK
    question = f"Is {delta.key}.{new.path} the same as {old.path} was, under a new name?"
    text = (
        f"{old.path} is gone and {new.path} of the same type has come in its place; if they are one, the value is kept"
    )
    delta.edits.append(_edit("T04", Verdict.CONFIRM, old.path, text, old, new, question, grade))
    delta.removed.remove(old)
    delta.added.remove(new)
    if followed:
        delta.evidence.append(f"{_few(followed)} used {old.name} and use {new.name} now")
    if astray:
        delta.evidence.append(f"{_few(astray)} used {old.name} and do not use {new.name}")


def _uses(pair: Pair, old: str, new: str) -> tuple[list[Function], list[Function]]:
    """Return the functions that went from member `old` to `new`, and those that dropped `old` without taking `new`."""
    followed: list[Function] = []
    astray: list[Function] = []
    for function in pair.old_usage.accessors(old):
        after = pair.new.functions.get(pair.functions.forward.get(function.key, ""))
        if after is None or old in after.members:
            continue
        (followed if new in after.members and new not in function.members else astray).append(function)
    return followed, astray


def _few(functions: Sequence[Function]) -> str:
    names = sorted({function.name for function in functions})
    return ", ".join(names[:_NAMES_SHOWN]) + (
        f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    )


def _move(pair: Pair, deltas: dict[str, Delta], fresh: Sequence[Record]) -> None:
    """A member that left one record and came to another under its name, where no other pair fits."""
    arrivals: dict[str, list[tuple[str, Slot, Delta | None]]] = defaultdict(list)
    departures: dict[str, list[tuple[Delta, Slot]]] = defaultdict(list)
    for delta in deltas.values():
        for slot in delta.added:
            arrivals[slot.name].append((delta.new.key, slot, delta))
        for slot in delta.removed:
            departures[slot.name].append((delta, slot))
    for record in fresh:
        for slot in slots(pair.new_types, record).values():
            arrivals[slot.name].append((record.key, slot, None))
    gone: dict[tuple[str, str], list[tuple[Slot, Slot, Delta | None]]] = defaultdict(list)
    for name, leaving in departures.items():
        for delta, slot in leaving:
            fitting = [
                a for a in arrivals.get(name, ()) if a[2] is not delta and pair.same(slot.member.type, a[1].member.type)
            ]
            if len(fitting) == 1 and len(leaving) == 1 and _related(pair, delta, fitting[0][0], name):
                gone[delta.key, fitting[0][0]].append((slot, fitting[0][1], fitting[0][2]))
    for (key, target), moves in gone.items():
        _record_moves(deltas[key], target, moves)


def _related(pair: Pair, source: Delta, target: str, name: str) -> bool:
    """Whether a member may have gone from `source` to `target`: one leads to the other, or no other has that name."""

    def leads(record: Record, key: str) -> bool:
        return any(getattr(pair.new_types.core(member.type), "key", "") == key for member in record.members)

    if leads(source.new, target) or leads(pair.new.records[target], source.new.key):
        return True
    return all(
        sum(any(m.name == name for m in record.members) for record in program.records.values()) == 1
        for program in (pair.old, pair.new)
    )


def _record_moves(source: Delta, target: str, moves: list[tuple[Slot, Slot, Delta | None]]) -> None:
    split = len(moves) >= _ENOUGH_FOR_A_SPLIT and moves[0][2] is None
    for slot, arrived, other in moves:
        source.removed.remove(slot)
        if split:
            text = f"{slot.path} is in {target} now, which is split off; each {source.key} needs one"
            source.edits.append(_edit("T15", Verdict.CODE, slot.path, text, slot, None, grade=Grade.STRONG))
            continue
        question = f"Does the value of {source.key}.{slot.path} go to {target}.{arrived.path}?"
        text = f"{slot.path} is gone, and {target} has a {arrived.path} of the same type now"
        source.edits.append(_edit("T14", Verdict.CONFIRM, slot.path, text, slot, None, question, Grade.WEAK))
        if other is not None:
            other.added.remove(arrived)
            came = f"{arrived.path} is new, and {source.key} lost a {slot.path} of the same type"
            other.edits.append(_edit("T14", Verdict.CONFIRM, arrived.path, came, None, arrived, question, Grade.WEAK))


def _add(pair: Pair, delta: Delta) -> None:
    unions: set[str] = set()
    for slot in delta.added:
        name = f"{delta.key}.{slot.path}"
        if _PADDING.match(slot.name):
            delta.edits.append(
                _edit("T01", Verdict.AUTO, slot.path, f"{slot.path} is new and only fills a gap", None, slot)
            )
            continue
        question = f"Which value has {name} in objects that exist?"
        owner = library_object(pair.new_types, slot.member.type)
        if owner:
            question = f"How is {name} ({owner}) set up in objects that exist?"
        if slot.union is not None and slot.union.key in unions:
            question = ""  # one member of a new union is in use; the first question settles which
        elif slot.union is not None:
            unions.add(slot.union.key)
        text = f"{slot.path} is new: objects that exist have no value for it"
        delta.edits.append(_edit("T01", Verdict.CONFIRM, slot.path, text, None, slot, question))
        setters = [f for f in pair.new_usage.accessors(slot.name) if _MAKES.search(f.name)]
        if setters:
            delta.evidence.append(f"{_few(setters)} may give {slot.path} its first value")
    delta.added = []


def _remove(pair: Pair, delta: Delta) -> None:
    doubtful = {line.split(" ", 1)[0] for line in delta.evidence if " is not matched with " in line}
    for slot in delta.removed:
        name = f"{delta.key}.{slot.path}"
        types, ctype = pair.old_types, slot.member.type
        scalar = types.scalar(types.element(ctype))
        library = library_object(types, ctype)
        plain = scalar is not None and scalar.kind is not ScalarKind.POINTER
        if _PADDING.match(slot.name):
            edit = _edit("T02", Verdict.AUTO, slot.path, f"{slot.path} is gone and only filled a gap", slot, None)
        elif slot.path in doubtful:
            question = f"May the value of {name} be dropped, although members like it are new?"
            edit = _edit(
                "T02", Verdict.CONFIRM, slot.path, f"{slot.path} is gone and its value with it", slot, None, question
            )
        elif library or types.holds_pointer(ctype) or _DESCRIPTOR.search(slot.name):
            question = f"May what {name} holds be dropped, because nothing else has to be released?"
            text = f"{slot.path} is gone; what it holds{f' ({library})' if library else ''} leaks unless it is released"
            edit = _edit("T02", Verdict.CONFIRM, slot.path, text, slot, None, question)
        else:
            what = "its value" if plain else "what it held"
            edit = _edit("T02", Verdict.AUTO, slot.path, f"{slot.path} is gone and {what} is dropped", slot, None)
        delta.edits.append(edit)
    delta.removed = []
