"""One change as lines of text: what and where it is, where it lives, how its layout changes, what it asks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from patchkit.model.change import Change, Edit, Grade, LayoutPair, Verdict
from patchkit.model.headline import questions
from patchkit.model.words import VERDICTS, counted
from patchkit.report.drawing import draw_side_by_side, draw_unified
from patchkit.report.layout import align, fold, renames
from patchkit.report.spans import NO_LIMIT, Line, Role, enumerated, line, wrapped
from patchkit.report.words import code_and_name, entries, homes, member_offset, place, said, sizes, transition, visible

_SHORTEST_SUMMARY = 44
_INDENT = "    "
_ROLES = {
    Verdict.BLOCKED: Role.BLOCKED,
    Verdict.CODE: Role.CODE,
    Verdict.CONFIRM: Role.CONFIRM,
    Verdict.AUTO_CHECK: Role.CHECK,
    Verdict.AUTO: Role.AUTO,
    Verdict.NONE: Role.FAINT,
}


@dataclass(frozen=True, slots=True)
class Detail:
    """How much is said, as limits.

    `context` are quiet members beside an edited one, `rows` the lines of a layout, `names` those in a heap, `told` the
    changes of a section with lines of their own. `holes` are always drawn side by side, where they cost no line.
    """

    context: int = 1
    rows: int = 24
    edits: int = 12
    paths: int = 3
    names: int = 4
    told: int = NO_LIMIT
    layouts: bool = True
    holes: bool = False
    conversions: bool = True


def role_of(verdict: Verdict) -> Role:
    """Return the role of a verdict's word."""
    return _ROLES[verdict]


def describe(
    change: Change, layout: LayoutPair | None, detail: Detail, *, width: int, side_by_side: bool
) -> list[Line]:
    """Return everything that is to be said about `change`, each thing once, within the limits of `detail`."""
    lines = _heading(change, width)
    if change.text:
        lines += wrapped(_INDENT, visible(change.text), width)
    lines += _homes(change, detail, width)
    drawn = detail.layouts and layout is not None and bool(layout.old and layout.new)
    if drawn and layout is not None:
        lines += _layout(change, layout, detail, width, side_by_side=side_by_side)
    lines += _edits(change, detail, width, drawn=drawn)
    lines += _asked(change, width, detail)
    if change.callers:
        lines += wrapped(
            f"{_INDENT}used in ", enumerated(map(visible, change.callers), detail.names, width - 24), width
        )
    return lines


def _heading(change: Change, width: int) -> list[Line]:
    name = visible(change.name or change.title)
    if not change.old_key or not change.new_key:
        name += "  (added)" if change.new_key else "  (removed)"
    elif change.old_key != change.new_key:
        name += f" → {visible(change.new_key)}"
    parts = (sizes(change), place(change), code_and_name(change.kind, change.rule))
    facts = "  ".join(part for part in parts if part)
    if len(name) + len(facts) + 4 <= width:
        return [line("  ", (name, Role.NAME), "  ", (facts, Role.FAINT))]
    return [line("  ", (name, Role.NAME)), line(_INDENT, (facts, Role.FAINT))]


def _homes(change: Change, detail: Detail, width: int) -> list[Line]:
    lines = []
    for storage, paths in homes(change.reach):
        lead = f"{_INDENT}{storage}: "
        lines += wrapped(lead, enumerated(paths, detail.paths, width - len(lead)), width, lead_role=Role.FAINT)
    return lines


def _layout(change: Change, layout: LayoutPair, detail: Detail, width: int, *, side_by_side: bool) -> list[Line]:
    aligned = align(layout, renames(change))
    if not detail.holes and not side_by_side:
        aligned = tuple(row for row in aligned if not row.hole)
    rows = fold(aligned, detail.context)
    left = len(rows) - detail.rows
    rules = {edit.kind: edit.rule for edit in change.edits}
    draw = draw_side_by_side if side_by_side else draw_unified
    lines = draw(rows[: detail.rows], rules, width)
    if left > 0:
        lines.append(line((f"{_INDENT}… and {left} more lines of layout (--full)", Role.FAINT)))
    return lines


def _edits(change: Change, detail: Detail, width: int, *, drawn: bool) -> list[Line]:
    """Say what is not in the drawing: all edits where there is none, else the consequences of those that matter."""
    told = [e for e in change.edits if not drawn or (e.verdict >= Verdict.AUTO_CHECK and _new_text(change, e))]
    told.sort(key=lambda edit: -edit.verdict)
    lines: list[Line] = []
    for edit in told[: detail.edits]:
        text = _new_text(change, edit)
        if drawn:
            lines += wrapped(f"{_INDENT}{VERDICTS[edit.verdict]}: ", text, width)
        else:
            lines += _edit(edit, text, width)
    left = len(told) - detail.edits
    if left > 0:
        lines.append(line((f"{_INDENT}… and {counted(left, 'more edit')} (--full)", Role.FAINT)))
    return lines


def _new_text(change: Change, edit: Edit) -> str:
    """Return what an edit means, unless the change says so already or the question will."""
    return "" if edit.question or edit.text in change.text else visible(said(edit))


def _edit(edit: Edit, text: str, width: int) -> list[Line]:
    sides = [member_offset(member) for member in (edit.old, edit.new) if member]
    where = f"{'→'.join(dict.fromkeys(sides))}  " if sides else ""
    mark, role = "~", Role.CHANGED
    if edit.old is None and not edit.was and (edit.new or edit.now):
        mark, role = "+", Role.ADDED
    elif edit.new is None and not edit.now and (edit.old or edit.was):
        mark, role = "-", Role.REMOVED
    name, both = visible(edit.name), transition(edit)
    body = f"{both if name in both else f'{name}: {both}'}  " if both else ""
    note = f"{code_and_name(edit.kind, edit.rule)}, {VERDICTS[edit.verdict]}"
    head = [(f"{_INDENT}{mark} ", role), (where, Role.FAINT), (body, role), (note, Role.FAINT)]
    if not text:
        return [line(*head)]
    text = text.removeprefix(f"{name}: ")
    if sum(len(part) for part, _ in head) + len(text) + 2 <= width:
        return [line(*head, f": {text}")]
    return [line(*head), *wrapped(f"{_INDENT}  ", text, width)]


def _asked(change: Change, width: int, detail: Detail) -> list[Line]:
    lines = []
    by_question = {edit.question: edit for edit in change.edits}
    for question in questions(change):
        edit = by_question.get(question)
        grade = edit.grade if edit else change.grade
        hint = "" if grade is Grade.CERTAIN else f" ({grade} evidence)"
        why = f"{visible(said(edit))}. " if edit and edit.text and edit.text not in change.text else ""
        lines += wrapped(f"{_INDENT}? ", f"{why}{visible(question)}{hint}", width, Role.ASKED, Role.ASKED)
    for reason in change.evidence[: detail.paths]:
        lines += wrapped(f"{_INDENT}because ", visible(reason), width, Role.PLAIN, Role.FAINT)
    left = len(change.evidence) - detail.paths
    if left > 0:
        lines.append(line((f"{_INDENT}… and {counted(left, 'more reason')} (--full)", Role.FAINT)))
    return lines


def summarise(changes: Iterable[Change], at_most: int, width: int, lead: str) -> list[Line]:
    """Return a line, or a few where one does not hold them, that names `changes` with their places."""
    named = [f"{name} ({where})" if where and ":" not in name else name for name, where in entries(changes)]
    return summary(named, at_most, width, lead)


def summary(items: Sequence[str], at_most: int, width: int, lead: str, *, more: str = "(--full)") -> list[Line]:
    """Return `lead` and as many `items` as fit the line, though never so few that nothing is said."""
    indent = lead[: len(lead) - len(lead.lstrip()) + 7]
    room = max(width - len(lead), _SHORTEST_SUMMARY)
    return wrapped(indent, lead[len(indent) :] + enumerated(items, at_most, room, more=more), width)
