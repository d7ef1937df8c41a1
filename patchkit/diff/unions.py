"""Compares unions: whether their bytes may be copied although nobody knows which member is in use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from patchkit.diff.findings import RULE_OF
from patchkit.diff.layout import Slot, declare
from patchkit.diff.pair import Pair
from patchkit.diff.types import ScalarKind, Types
from patchkit.model.change import Edit, Verdict
from patchkit.model.ctype import CType, Named, Pointer, Tag
from patchkit.model.program import Record

if TYPE_CHECKING:
    from patchkit.diff.records import Delta

_TELLING = re.compile(
    r"(?i:(^|_)(type|kind|tag|mode|which|op|event|family|class|encoding|variant|format|sel(ector)?)$)|^(is|has)_"
)


def compare_unions(pair: Pair, delta: Delta) -> None:
    """Turn what changed inside unions of `delta` into edits of the unions; it cannot be judged member by member."""
    unions: dict[str, tuple[Record, Record]] = {}
    for before, after in delta.shared:
        if before.union is not None and after.union is not None:
            unions[after.union.key] = (before.union, after.union)
    _overlaid(delta)
    for old, new in unions.values():
        _compare_union(pair, delta, old, new)


def _overlaid(delta: Delta) -> None:
    """A member that came under or out of a union shares its bytes now, or no longer does."""
    for before, after in delta.shared:
        if before.in_union is after.in_union:
            continue
        text = f"{before.path} " + (
            "shares its bytes with others now" if after.in_union else "no longer shares its bytes with others"
        )
        question = f"Is {delta.key}.{before.path} the member in use in every object that exists?"
        edit = Edit(
            "T17",
            RULE_OF["T17"],
            Verdict.CONFIRM,
            before.path,
            text,
            old=before.member,
            new=after.member,
            question=question,
        )
        delta.edits.append(edit)


def _compare_union(pair: Pair, delta: Delta, old: Record, new: Record) -> None:
    removed = [slot for slot in delta.removed if slot.union is old]
    added = [slot for slot in delta.added if slot.union is new]
    paths = {before.path for before, _ in delta.shared if before.union is old}
    altered = [edit for edit in delta.edits if edit.name in paths and edit.kind not in ("T17", "T25")]
    if not removed and not added and not altered:
        return
    delta.removed = [slot for slot in delta.removed if slot.union is not old]
    delta.added = [slot for slot in delta.added if slot.union is not new]
    delta.edits = [edit for edit in delta.edits if edit not in altered]
    pointers = _holds_pointer(pair.old_types, old) or _holds_pointer(pair.new_types, new)
    if not removed and not altered and not pointers and old.size == new.size:
        delta.edits += [
            _member(slot, None, slot, "T16", Verdict.AUTO, "is new in a union whose bytes are copied as they are")
            for slot in added
        ]
        return
    telling = _discriminants(pair, delta, old)
    verdict = Verdict.CONFIRM if telling else Verdict.BLOCKED
    if telling:
        question = f"Does {telling[0]} tell which member of {new.key} is in use?"
    else:
        question = ""
    reason = "" if telling else "; nothing tells which member is in use, and a discriminant that does would unblock it"
    for slot in added:
        delta.edits.append(_member(slot, None, slot, "T17", verdict, f"is new in a union{reason}", question))
    for slot in removed:
        delta.edits.append(_member(slot, slot, None, "T17", verdict, f"is gone from a union{reason}", question))
    for edit in altered:
        text = f"{edit.text}, in a union{reason}"
        delta.edits.append(
            Edit("T17", RULE_OF["T17"], verdict, edit.name, text, edit.was, edit.now, edit.old, edit.new, question)
        )


def _member(
    slot: Slot, old: Slot | None, new: Slot | None, kind: str, verdict: Verdict, text: str, question: str = ""
) -> Edit:
    return Edit(
        kind=kind,
        rule=RULE_OF[kind],
        verdict=verdict,
        name=slot.path,
        text=f"{slot.path} {text}",
        was=declare(old.member, old.name) if old else "",
        now=declare(new.member, new.name) if new else "",
        old=old.member if old else None,
        new=new.member if new else None,
        question=question,
    )


def _holds_pointer(types: Types, record: Record) -> bool:
    return any(isinstance(types.element(m.type), Pointer) or types.holds_pointer(m.type) for m in record.members)


def _discriminants(pair: Pair, delta: Delta, union: Record) -> list[str]:
    """Return the members beside `union` that may tell which of its members is in use, the most telling first."""
    holders = [delta.old] if delta.old is not union else []
    for record in pair.old.records.values():
        if any(_is(pair.old_types, member.type, union) for member in record.members):
            holders.append(record)
    found: list[tuple[int, str]] = []
    for holder in holders:
        outer = pair.old.records.get(holder.parent)
        for owner in (holder, outer) if outer is not None else (holder,):
            if owner.tag is Tag.UNION:
                continue
            for member in owner.members:
                scalar = pair.old_types.scalar(member.type)
                if scalar is None or not member.name:
                    continue
                named = bool(_TELLING.search(member.name))
                if scalar.kind is ScalarKind.ENUM or (named and scalar.kind in (ScalarKind.INTEGER, ScalarKind.BOOL)):
                    rank = 0 if named and scalar.kind is ScalarKind.ENUM else 1
                    found.append((rank, f"{owner.key}.{member.name}"))
    return [name for _, name in sorted(dict.fromkeys(found))]


def _is(types: Types, ctype: CType, record: Record) -> bool:
    bare = types.element(ctype)
    return isinstance(bare, Named) and bare.key == record.key
