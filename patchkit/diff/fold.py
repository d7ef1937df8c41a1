"""Folds like changes that ask nothing into one line that still names each of them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from patchkit.diff.findings import RULE_OF, change_id, plain
from patchkit.model.change import Change, Subject, Verdict
from patchkit.model.program import Coord
from patchkit.model.words import counted

_MOVES = ("F05", "G08", "G09")  # their evidence says no more than the two names do
_MANY = 6  # of one sort; fewer are easier to read apart
_FOLDABLE = {
    "G01": ("variable added", "variables added"),
    "G03": ("variable removed", "variables removed"),
    "G05": ("table has other contents or bounds", "tables have other contents or bounds"),
    "G06": ("initial value changed, live value kept", "initial values changed, live values kept"),
    "G06b": ("initial value changed and taken", "initial values changed and taken"),
    "G08": ("variable moved or linked otherwise", "variables moved or linked otherwise"),
    "G09": ("static local variable added or removed", "static local variables added or removed"),
    "F05": ("function moved or linked otherwise", "functions moved or linked otherwise"),
    "T28": ("type removed", "types removed"),
    "T30": ("type added", "types added"),
}


def folded(
    subject: Subject,
    kind: str,
    verdict: Verdict,
    title: str,
    text: str,
    keys: Sequence[str],
    coord: Coord | None,
    *,
    rule: str | None = None,
    label: str = "",
    gone: bool = False,
) -> Change:
    """Return one change for all of `keys`; a single one keeps its key and place. `gone`: only the old side has them."""
    ordered = tuple(sorted(keys))
    one = ordered[0] if len(ordered) == 1 else ""
    old, new = (one, "") if gone else ("", one) if kind in ("F02", "T30", "V00") else (one, one)
    change = plain(subject, kind, verdict, old, new, title, text, rule=rule)
    name = RULE_OF.get(kind, "") if rule is None else rule
    return replace(
        change,
        id=change_id(name or kind, subject, label or kind),
        folded=ordered,
        old_coord=coord if one and old else None,
        new_coord=coord if one and new else None,
    )


def fold_many(changes: Sequence[Change]) -> list[Change]:
    """Return `changes` with every large group of like ones that ask nothing as one."""
    groups: dict[tuple[str, str, str, Verdict, bool, bool], list[Change]] = defaultdict(list)
    kept: list[Change] = []
    for change in changes:
        quiet = change.verdict <= Verdict.AUTO_CHECK and not change.question and change.count == 1 and not change.folded
        told = change.evidence and change.kind not in _MOVES
        if quiet and change.kind in _FOLDABLE and not told:
            key = (change.subject, change.kind, change.rule, change.verdict, bool(change.old_key), bool(change.new_key))
            groups[key].append(change)
        else:
            kept.append(change)
    for (_, kind, rule, verdict, old, new), members in groups.items():
        if len(members) < _MANY:
            kept += members
            continue
        first = members[0]
        title = counted(len(members), *_FOLDABLE[kind])
        label = f"{kind}{'+' * new}{'-' * old}:{verdict.name.lower()}"
        change = folded(
            first.subject, kind, verdict, title, first.text, [m.name for m in members], None, rule=rule, label=label
        )
        kept.append(replace(change, requires=max(m.requires for m in members)))
    return kept
