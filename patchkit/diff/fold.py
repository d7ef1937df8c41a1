"""Folds like changes that ask nothing into one line that still names each of them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from patchkit.diff.findings import RULE_OF, change_id, plain
from patchkit.model.change import Change, Subject, Verdict
from patchkit.model.program import Coord
from patchkit.model.words import counted

_MOVES = ("F05", "G08", "G09")  # their evidence says no more than the two names do
MANY = 6  # of one sort; fewer are easier to read apart
_FOLDABLE = {
    "G01": ("variable added", "variables added", "each starts as its initialiser says, or as zero"),
    "G03": ("variable removed", "variables removed", "their values are dropped"),
    "G05": ("table has other contents or bounds", "tables have other contents or bounds", "the new tables are taken"),
    "G06": ("initial value changed", "initial values changed", "the process keeps its live values"),
    "G06b": ("initial value changed", "initial values changed", "the new values are taken: none is ever written"),
    "G08": ("variable moved or linked otherwise", "variables moved or linked otherwise", "their storage stays"),
    "G09": (
        "static local variable came, went or moved",
        "static local variables came, went or moved",
        "new ones start as they say, old ones are dropped, moved ones stay",
    ),
    "F05": (
        "function moved or linked otherwise",
        "functions moved or linked otherwise",
        "callers and callees switch at one moment",
    ),
    "T28": ("type removed", "types removed", "nothing that lives is of them"),
    "T30": ("type added", "types added", "no live object of them exists; the new version makes its own"),
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
        told = change.evidence and (change.kind not in _MOVES or _renamed(change))
        simple = len(change.edits) <= 1 and not any(edit.kind.startswith("T") for edit in change.edits)
        if quiet and simple and change.kind in _FOLDABLE and not told:
            key = (change.subject, change.kind, change.rule, change.verdict, bool(change.old_key), bool(change.new_key))
            groups[key].append(change)
        else:
            kept.append(change)
    for (_, kind, rule, verdict, old, new), members in groups.items():
        if len(members) < MANY:
            kept += members
            continue
        first = members[0]
        one, many, text = _FOLDABLE[kind]
        title = counted(len(members), one, many)
        label = f"{kind}{'+' * new}{'-' * old}:{verdict.name.lower()}"
        change = folded(
            first.subject, kind, verdict, title, text, [m.name for m in members], None, rule=rule, label=label
        )
        kept.append(replace(change, requires=max(m.requires for m in members)))
    return kept


def _renamed(change: Change) -> bool:
    """Whether the two sides of a change have different names, files and functions aside."""
    return change.old_key.rsplit(":", 1)[-1] != change.new_key.rsplit(":", 1)[-1]
