"""Compares two records member by member, by name. `patchkit.diff.proposals` judges what only one side has."""

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field, replace

from patchkit.diff.ctypes_compare import Relation, relate, resized
from patchkit.diff.findings import RULE_OF
from patchkit.diff.layout import Slot, declare, slots, unnamed_part
from patchkit.diff.pair import Pair
from patchkit.diff.unions import compare_unions
from patchkit.model.change import Edit, Verdict
from patchkit.model.ctype import Array, CType, Pointer
from patchkit.model.program import Record


@dataclass(slots=True)
class Delta:
    """What differs between two records that correspond.

    `edits` concern members that both have; `removed` and `added` are left to be explained. `shared` pairs the members
    that both have, in old order. `evidence` is shown with the change, `typedefs` are those that an edit goes through.
    """

    old: Record
    new: Record
    edits: list[Edit] = field(default_factory=list)
    removed: list[Slot] = field(default_factory=list)
    added: list[Slot] = field(default_factory=list)
    shared: list[tuple[Slot, Slot]] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    typedefs: set[str] = field(default_factory=set)
    parts: list[tuple[str, Record, Record]] = field(
        default_factory=list
    )  # what is behind a path, without a name of its own

    @property
    def key(self) -> str:
        """The key under which the running version knows the record."""
        return self.old.key

    @property
    def relaid(self) -> bool:
        """Whether size, alignment or the place of a shared member differ."""
        if (self.old.size, self.old.align) != (self.new.size, self.new.align):
            return True
        return any((a.member.offset, a.member.size) != (b.member.offset, b.member.size) for a, b in self.shared)


def compare_records(pair: Pair, old: Record, new: Record) -> Delta:
    """Return what differs between `old` and `new`; parts without a type name of their own are compared with them."""
    delta = Delta(old, new)
    _compare_scope(pair, delta, slots(pair.old_types, old), slots(pair.new_types, new))
    if old.tag is not new.tag:
        text = f"was a {old.tag} and is a {new.tag} now: whether its members share their bytes changed"
        delta.edits.append(Edit("T15", RULE_OF["T15"], Verdict.CODE, "", text, old.key, new.key))
    else:
        compare_unions(pair, delta)
    _order(delta)
    return delta


def _compare_scope(pair: Pair, delta: Delta, ours: dict[str, Slot], theirs: dict[str, Slot]) -> None:
    for path, before in ours.items():
        after = theirs.get(path)
        if after is None:
            delta.removed.append(before)
            continue
        delta.shared.append((before, after))
        edit = compare_slot(pair, delta.key, before, after)
        if edit is not None:
            delta.edits.append(edit)
            delta.typedefs.update(t.key for t in pair.old_types.typedefs_in(before.member.type))
        _compare_part(pair, delta, before, after)
    delta.added += [slot for path, slot in theirs.items() if path not in ours]


def _compare_part(pair: Pair, delta: Delta, before: Slot, after: Slot) -> None:
    """Compare what is inside two members of the same name, where that has no type name of its own."""
    one, other = before.member.type, after.member.type
    if unnamed_part(pair.old_types, one) is None and unnamed_part(pair.new_types, other) is None:
        return
    old = pair.old.records.get(getattr(pair.old_types.core(one), "key", ""))
    new = pair.new.records.get(getattr(pair.new_types.core(other), "key", ""))
    if old is None or new is None or old.tag is not new.tag:
        return
    access = _access(pair, one)
    delta.parts.append((before.path + access, old, new))
    bases = (before.member.offset, after.member.offset) if access == "." else (0, 0)
    _compare_scope(
        pair,
        delta,
        slots(pair.old_types, old, before.path + access, bases[0]),
        slots(pair.new_types, new, after.path + access, bases[1]),
    )


def _access(pair: Pair, ctype: CType) -> str:
    """Return how a member of the record that `ctype` leads to is written behind the name of the thing."""
    bare, text, pointed = pair.old_types.bare(ctype), "", False
    while isinstance(bare, Pointer | Array):
        if isinstance(bare, Pointer):
            text += "[]" if pointed else ""
            pointed = True
            bare = pair.old_types.bare(bare.target)
        else:
            text += "[][]" if pointed else "[]"
            pointed = False
            bare = pair.old_types.bare(bare.element)
    return text + ("->" if pointed else ".")


def compare_slot(pair: Pair, owner: str, before: Slot, after: Slot) -> Edit | None:
    """Return what happens to the value of a member that both versions of `owner` have, or None if nothing does."""
    relation = relate(pair, before.member.type, after.member.type)
    if before.member.width is not None or after.member.width is not None:
        relation = _bit_field(pair, before, after, relation)
    else:
        relation = _resized_enum(pair, before, after) or resized(pair, before.member, after.member) or relation
    return member_edit(owner, relation, before, after) if relation.kind else None


def member_edit(owner: str, relation: Relation, before: Slot, after: Slot) -> Edit:
    """Return the edit that says of a member of `owner` what `relation` says of its types."""
    return Edit(
        kind=relation.kind,
        rule=relation.rule,
        verdict=relation.verdict,
        name=before.path,
        text=f"{before.path} {relation.text}",
        was=declare(before.member, before.name),
        now=declare(after.member, after.name),
        old=before.member,
        new=after.member,
        question=relation.question.format(name=f"{owner}.{before.path}"),
    )


def _resized_enum(pair: Pair, before: Slot, after: Slot) -> Relation | None:
    """An enumeration that is held in another width: by its constants, or by a flag."""
    one = pair.old_types.enum(pair.old_types.element(before.member.type))
    other = pair.new_types.enum(pair.new_types.element(after.member.type))
    if one is None or other is None or one.size == other.size:
        return None
    text = f"is held in {other.size} bytes instead of {one.size}"
    if one.size < other.size:
        return Relation("T05", RULE_OF["T05"], Verdict.AUTO, f"{text}; every value fits")
    return Relation("T06", RULE_OF["T06"], Verdict.AUTO_CHECK, f"{text}; each live value is tested")


def _bit_field(pair: Pair, before: Slot, after: Slot, relation: Relation) -> Relation:
    one, other = before.member, after.member
    widths = (one.width if one.width is not None else one.size, other.width if other.width is not None else other.size)
    if not relation.kind and widths[0] == widths[1] and (one.width is None) is (other.width is None):
        return relation
    old, new = pair.old_types.scalar(one.type), pair.new_types.scalar(other.type)
    fits = old is not None and new is not None and widths[0] <= widths[1]
    fits = (
        fits
        and old is not None
        and new is not None
        and (old.signed is new.signed or (new.signed and widths[0] < widths[1]))
    )
    verdict = Verdict.AUTO if fits else Verdict.AUTO_CHECK
    ending = "every value fits" if fits else "each live value is tested"
    return Relation("T18", RULE_OF["T18"], verdict, f"goes from {widths[0]} to {widths[1]} bits; {ending}")


def _order(delta: Delta) -> None:
    """Report the fewest members whose moving explains the new order; a mere shift behind an insertion is none."""
    if delta.old.tag is not delta.new.tag:
        return
    edited = {edit.name for edit in delta.edits}
    scopes: dict[str, list[tuple[Slot, Slot]]] = defaultdict(list)
    for before, after in delta.shared:
        if not before.in_union and not after.in_union:
            scopes[before.scope].append((before, after))
    for shared in scopes.values():
        steady = _longest_rising([_place(after) for _, after in shared])
        for index, (before, after) in enumerate(shared):
            if index in steady or before.path in edited:
                continue
            kind = "T03" if after.member.width is None else "T18"
            text = f"moves from {_at(before)} to {_at(after)}, past other members"
            relation = Relation(kind, RULE_OF[kind], Verdict.AUTO, text)
            delta.edits.append(member_edit(delta.key, relation, before, after))


def _at(slot: Slot) -> str:
    offset = slot.member.offset
    return f"bit {offset}" if slot.member.width is not None else f"byte {offset // 8}"


def _place(slot: Slot) -> tuple[int, int]:
    return slot.member.offset, slot.member.size


def _longest_rising(places: list[tuple[int, int]]) -> set[int]:
    """Return the indices of a longest non-falling run of `places` (patience sorting)."""
    tails: list[tuple[int, int]] = []
    indices: list[int] = []
    previous: list[int] = []
    for index, place in enumerate(places):
        at = bisect_left(tails, (place[0], place[1] + 1))
        previous.append(indices[at - 1] if at else -1)
        if at == len(tails):
            tails.append(place)
            indices.append(index)
        else:
            tails[at] = place
            indices[at] = index
    run: set[int] = set()
    index = indices[-1] if indices else -1
    while index >= 0:
        run.add(index)
        index = previous[index]
    return run


def relayout_edits(delta: Delta) -> list[Edit]:
    """Return the edits of a record that is laid out otherwise although no member of it changed."""
    old, new = delta.old, delta.new
    moved = [(a, b) for a, b in delta.shared if a.member.offset != b.member.offset]
    what = (
        f"{len(moved)} members move"
        if moved
        else f"it goes from {old.size} to {new.size} bytes, aligned to {new.align}"
    )
    if old.attributes == new.attributes:
        text = f"the text is the same and the layout is not: {what}; the two builds were compiled differently"
        return [Edit("B01", "PKT116", Verdict.AUTO_CHECK, "", text)]
    was, now = ", ".join(old.attributes), ", ".join(new.attributes)
    delta.evidence.append(f"its attributes changed: {was or 'none'} → {now or 'none'}")
    if not moved:
        return [Edit("T03", RULE_OF["T03"], Verdict.AUTO, "", what, was, now)]
    relations = (Relation("T03", RULE_OF["T03"], Verdict.AUTO, f"moves from {_at(a)} to {_at(b)}") for a, b in moved)
    return [member_edit(delta.key, relation, a, b) for relation, (a, b) in zip(relations, moved, strict=True)]


def embedding_edits(pair: Pair, delta: Delta, changed: dict[str, Delta]) -> list[Edit]:
    """Return an edit for every changed record of `changed` that lies by value in the one of `delta`."""
    found: list[Edit] = []
    for before, after in delta.shared:
        inner = pair.old_types.record(before.member.type)
        other = changed.get(inner.key) if inner is not None and not inner.parent else None
        if inner is None or other is None:
            continue
        sizes = (other.old.size, other.new.size)
        change = f" ({sizes[0]} → {sizes[1]} bytes)" if sizes[0] != sizes[1] else ""
        edit = Edit(
            kind="embeds",
            rule=RULE_OF["embeds"],
            verdict=Verdict.AUTO,
            name=before.path,
            text=f"embeds {inner.key}, which changed{change}",
            was=declare(before.member, before.name),
            now=declare(after.member, after.name),
            old=before.member,
            new=after.member,
        )
        found.append(edit)
    return found


def sort_edits(edits: list[Edit]) -> list[Edit]:
    """Return `edits` in the order of the members they concern, as the new version lays them out."""

    def place(edit: Edit) -> tuple[int, str]:
        member = edit.new or edit.old
        return (member.offset if member is not None else -1), edit.name

    return sorted((replace(edit) for edit in edits), key=place)
