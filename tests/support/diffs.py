"""Compare two programs that are written down, and look at what is reported of one thing."""

from collections.abc import Sequence

from patchkit.diff import diff_programs
from patchkit.model.change import Change, Comparison, Edit, Verdict
from patchkit.model.words import VERDICTS
from tests.support.programs import Thing, program


def compare(old: Sequence[Thing], new: Sequence[Thing]) -> Comparison:
    """Return the comparison of two programs that consist of `old` and `new`."""
    return diff_programs(program(*old, label="old"), program(*new, label="new"))


def the(comparison: Comparison, key: str) -> Change:
    """Return the only change of `key`, alone or among others it was folded with."""
    found = [change for change in comparison.changes if key in (change.old_key, change.new_key, *change.folded)]
    assert len(found) == 1, [change.title for change in comparison.changes]
    return found[0]


def said(change: Change) -> list[str]:
    """Return the edits of a change as `T01 confirm flags`."""
    return [_said(edit) for edit in change.edits]


def _said(edit: Edit) -> str:
    return " ".join(filter(None, (edit.kind, VERDICTS[edit.verdict], edit.name)))


def summary(comparison: Comparison) -> list[tuple[str, str, str]]:
    """Return kind, verdict and key of everything that is reported, folded changes taken apart."""
    return [
        (change.kind, VERDICTS[change.verdict], key)
        for change in comparison.changes
        for key in change.folded or (change.name,)
    ]


def verdict(comparison: Comparison, key: str) -> Verdict:
    """Return the verdict of the only change of `key`."""
    return the(comparison, key).verdict
