"""Turns what differs between the records of two versions into changes."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from patchkit.diff.correspondence import Match
from patchkit.diff.findings import RULE_OF, edited, plain
from patchkit.diff.hazards import hazard_edits
from patchkit.diff.layout import place
from patchkit.diff.match_types import unmatched_records
from patchkit.diff.pair import Pair, altered
from patchkit.diff.proposals import explain
from patchkit.diff.reach import Reachability
from patchkit.diff.records import Delta, compare_records, embedding_edits, relayout_edits, sort_edits
from patchkit.diff.types import is_foreign
from patchkit.diff.unclassified import unclassified_edit
from patchkit.diff.verdicts import Presence, Whereabouts, consequence, locate, settle, settle_edits
from patchkit.model.change import Change, Edit, LayoutPair, Subject, Verdict
from patchkit.model.ctype import Named
from patchkit.model.program import Record
from patchkit.model.words import listed

_VERBS = {
    "T01": "added",
    "T02": "removed",
    "T03": "moved",
    "T04": "renamed",
    "T05": "widened",
    "T06": "converted",
    "T13": "regrouped",
    "T14": "moved to or from another record",
    "T15": "split off",
    "T16": "added to a union",
    "T17": "changed in a union",
    "T18": "repacked",
}
_NOT_MEMBERS = ("T24", "T26", "T27", "T29")


@dataclass(slots=True)
class TypeChanges:
    """The changes of records, the layouts to draw, and the typedefs that they show a change of."""

    changes: list[Change] = field(default_factory=list)
    layouts: dict[str, LayoutPair] = field(default_factory=dict)
    typedefs: set[str] = field(default_factory=set)


def compare_record_types(pair: Pair, reach: Reachability) -> TypeChanges:
    """Return what differs between the program's own records."""
    found = TypeChanges()
    removed, added = unmatched_records(pair)
    deltas = {old.key: compare_records(pair, old, new) for old, new in _candidates(pair)}
    explain(pair, deltas, added)
    carried = {old.key for delta in deltas.values() for _, old, new in delta.parts if old.key != new.key}
    deltas = _changed(pair, deltas)
    edits: dict[str, list[Edit]] = {}
    for delta in _embedded_first(pair, deltas):
        change = _change(pair, reach, delta, deltas, edits)
        if change is not None:
            found.changes.append(change)
            edits[delta.key] = list(change.edits)
            found.typedefs |= delta.typedefs
            found.layouts.update(_layouts(pair, delta, change))
    found.changes += _renamed(pair, reach, {change.old_key for change in found.changes})
    for record in removed:
        found.changes.append(_removed(pair, reach, record, carried))
        found.layouts[record.key] = LayoutPair(record.size, 0, place(pair.old_types, record, {}), ())
    for record in added:
        found.changes.append(_added(record))
        found.layouts[record.key] = LayoutPair(0, record.size, (), place(pair.new_types, record, {}))
    return found


def _candidates(pair: Pair) -> Iterable[tuple[Record, Record]]:
    """Yield the pairs that are worth comparing: those whose values differ, and those that may hide a change."""
    tops: dict[str, Record] = {}
    every = pair.records.forward.items() if pair.shifting else altered(pair.records, pair.old.records, pair.new.records)
    for key, other in every:
        old, new = pair.old.records[key], pair.new.records[other]
        if _unchanged(pair, old, new) or (is_foreign(old.coord) and is_foreign(new.coord)):
            continue
        while old.parent and old.parent in pair.old.records:
            old = pair.old.records[old.parent]
        tops[old.key] = old
    for old in tops.values():
        other = pair.records.forward.get(old.key, "")
        if other:
            yield old, pair.new.records[other]


def _unchanged(pair: Pair, old: Record, new: Record) -> bool:
    if pair.shifting and (old.key in pair.shifting or any(pair.shifts(member.type) for member in old.members)):
        return False
    if old.fingerprint and old.fingerprint == new.fingerprint:
        return True
    ours, theirs = ((r.tag, r.size, r.align, r.attributes, r.members) for r in (old, new))
    return ours == theirs


def _changed(pair: Pair, deltas: dict[str, Delta]) -> dict[str, Delta]:
    """Return the deltas in which something changed, by way of embedded records too."""
    changed = {key: delta for key, delta in deltas.items() if delta.edits or delta.old.tag is not delta.new.tag}
    waiting = {key: delta for key, delta in deltas.items() if key not in changed and _differs(delta)}
    while True:
        spread = [key for key, delta in waiting.items() if embedding_edits(pair, delta, changed)]
        if not spread:
            break
        for key in spread:
            changed[key] = waiting.pop(key)
    for key, delta in waiting.items():
        delta.edits += relayout_edits(delta) if delta.relaid else [unclassified_edit(delta.old, delta.new)]
        changed[key] = delta
    return changed


def _differs(delta: Delta) -> bool:
    """Whether anything but spelling differs; attributes and groups that leave the layout alone are spelling."""
    return delta.relaid or delta.old.tag is not delta.new.tag


def _embedded_first(pair: Pair, deltas: dict[str, Delta]) -> Iterable[Delta]:
    """Yield the deltas so that a record comes after those that lie in it by value, whose verdict it takes on."""
    done: set[str] = set()

    def visit(delta: Delta) -> Iterable[Delta]:
        if delta.key in done:
            return
        done.add(delta.key)
        for _, member in pair.old_types.members_by_value(Named(delta.old.tag, delta.key)):
            inner = pair.old_types.record(member.type)
            if inner is not None and inner.key in deltas:
                yield from visit(deltas[inner.key])
        yield delta

    for key in sorted(deltas):
        yield from visit(deltas[key])


def _change(
    pair: Pair, reach: Reachability, delta: Delta, deltas: dict[str, Delta], settled: dict[str, list[Edit]]
) -> Change | None:
    where = locate(pair, reach, delta.key)
    embeds = [_spread(pair, edit, settled) for edit in embedding_edits(pair, delta, deltas)] if delta.relaid else []
    match = pair.records.notable.get(delta.key)
    edits = [*_rename_edits(match), *settle_edits(delta.key, sort_edits(delta.edits), where)]
    edits += [*embeds, *(hazard_edits(pair, reach, delta, where))]
    if not edits:
        return None
    key = delta.key
    change = edited(Subject.TYPE, key, delta.new.key, _title(delta, edits), "", edits)
    change = replace(
        change,
        text=consequence(key, delta.old.size, delta.new.size, where),
        old_coord=delta.old.coord,
        new_coord=delta.new.coord,
        old_size=delta.old.size,
        new_size=delta.new.size,
        evidence=(*(match.evidence if match is not None else ()), *delta.evidence),
    )
    if not delta.edits and embeds:
        # The change itself says no more than what it embeds: reports may fold it.
        change = replace(change, kind="embeds")
    return settle(change, where)


def _spread(pair: Pair, edit: Edit, settled: dict[str, list[Edit]]) -> Edit:
    """Return the edit of an embedding record with the verdict of what it embeds; the question is asked there."""
    inner = pair.old_types.record(edit.old.type) if edit.old is not None else None
    inside = settled.get(inner.key, []) if inner is not None else []
    worst = max(inside, key=lambda each: each.verdict, default=edit)
    if worst.verdict <= edit.verdict:
        return edit
    return replace(edit, verdict=worst.verdict, question=worst.question)


def _rename_edits(match: Match | None) -> list[Edit]:
    if match is None or not match.proposed:
        return []
    question = f"Is {match.new} what {match.old} was, under a new name?"
    text = f"{match.old} is gone and {match.new} has come in its place"
    rename = Edit(
        "T04", RULE_OF["T04"], Verdict.CONFIRM, "", text, match.old, match.new, question=question, grade=match.grade
    )
    return [rename]


def _title(delta: Delta, edits: list[Edit]) -> str:
    name = delta.key if delta.key == delta.new.key else f"{delta.key} → {delta.new.key}"
    groups: dict[str, list[str]] = {}
    for edit in edits:
        if edit.kind not in _NOT_MEMBERS and edit.name and edit.kind != "embeds":
            groups.setdefault(_VERBS.get(edit.kind, "changed"), []).append(edit.name)
    parts = [f"{listed(tuple(names), at_most=3)} {verb}" for verb, names in groups.items()]
    if not parts:
        embedded = [edit.name for edit in edits if edit.kind == "embeds"]
        parts = [f"{listed(tuple(embedded), at_most=3)} inside changed"] if embedded else ["laid out otherwise"]
    return f"{name}: {'; '.join(parts)}"


def _layouts(pair: Pair, delta: Delta, change: Change) -> dict[str, LayoutPair]:
    before = {edit.old.name: edit.kind for edit in change.edits if edit.old is not None}
    after = {edit.new.name: edit.kind for edit in change.edits if edit.new is not None}
    found = {delta.key: _layout(pair, delta.old, delta.new, before, after)}
    for prefix, old, new in delta.parts:
        if prefix.endswith(("].", "->")):
            inner_before = {name.removeprefix(prefix): kind for name, kind in before.items() if name.startswith(prefix)}
            inner_after = {name.removeprefix(prefix): kind for name, kind in after.items() if name.startswith(prefix)}
            if inner_before or inner_after:
                found[old.key] = _layout(pair, old, new, inner_before, inner_after)
    return found


def _layout(pair: Pair, old: Record, new: Record, before: dict[str, str], after: dict[str, str]) -> LayoutPair:
    return LayoutPair(old.size, new.size, place(pair.old_types, old, before), place(pair.new_types, new, after))


def _renamed(pair: Pair, reach: Reachability, told: set[str]) -> list[Change]:
    """Return the proposed renames of records in which nothing else changed."""
    found = []
    for match in pair.records.notable.values():
        if not match.proposed or match.old in told:
            continue
        old, new = pair.old.records[match.old], pair.new.records[match.new]
        where = locate(pair, reach, match.old)
        title = f"{match.old} → {match.new}: renamed"
        edits = settle_edits(match.old, _rename_edits(match), where)
        change = edited(Subject.TYPE, match.old, match.new, title, "", edits)
        text = f"every live {match.old} is taken for a {match.new}, byte for byte"
        change = replace(
            change,
            text=text,
            old_coord=old.coord,
            new_coord=new.coord,
            old_size=old.size,
            new_size=new.size,
            evidence=match.evidence,
        )
        found.append(settle(change, where))
    return found


def _removed(pair: Pair, reach: Reachability, record: Record, carried: set[str]) -> Change:
    where = locate(pair, reach, record.key)
    verdict, text, question = _fate(pair, record, where, carried)
    change = plain(Subject.TYPE, "T28", verdict, record.key, "", f"{record.key} is gone", text, question=question)
    candidates = pair.records.refused.get(record.key, ())
    evidence = (f"{listed(candidates, at_most=3)} may each be what became of it",) if candidates else ()
    change = replace(change, old_coord=record.coord, old_size=record.size, evidence=evidence)
    return settle(change, where) if verdict > Verdict.NONE else replace(change, reach=where.roots.best)


def _fate(pair: Pair, record: Record, where: Whereabouts, carried: set[str]) -> tuple[Verdict, str, str]:
    if record.key in carried:
        return Verdict.NONE, "its members stand where it stood, without a name of their own", ""
    match where.presence:
        case Presence.UNUSED | Presence.FLEETING | Presence.CONSTANT:
            return Verdict.AUTO, "", ""
        case Presence.HIDDEN:
            question = f"Is every {record.key} gone, or unused by the new code, when the update happens?"
            return Verdict.CONFIRM, f"nowhere reachable by types, yet {where.reason}: objects of it may live", question
        case Presence.LIVE:
            if record.key in pair.old_usage.pointed_at:
                return Verdict.CODE, f"every live {record.key} has to be dropped or turned into something else", ""
            return Verdict.AUTO, "it only lay in members and variables, which tell what becomes of them", ""


def _added(record: Record) -> Change:
    text = "no live object of it exists; the new version makes its own"
    change = plain(Subject.TYPE, "T30", Verdict.NONE, "", record.key, f"{record.key} is new", text)
    return replace(change, new_coord=record.coord, new_size=record.size)
