"""Layouts of a changed record as text: unified with marks, or old and new side by side."""

from collections.abc import Mapping, Sequence

from patchkit.report.layout import Cell, Fold, Mark, Row, abreast
from patchkit.report.spans import Line, Role, line
from patchkit.report.words import code_and_name, contrast, offset

_ROLES = {
    Mark.SAME: Role.PLAIN,
    Mark.CHANGED: Role.CHANGED,
    Mark.ADDED: Role.ADDED,
    Mark.REMOVED: Role.REMOVED,
    Mark.REORDERED: Role.CHANGED,
}
_INDENT = "    "
_SEPARATOR = " │ "


def draw_unified(rows: Sequence[Row | Fold], rules: Mapping[str, str], width: int) -> list[Line]:
    """Return one line per row: old and new offset, size, mark, declaration, edit; `rules` is rule by kind."""
    column = _offset_width(rows)
    lines = [line((f"{_INDENT}{'old':>{column}}  {'new':>{column}}  {'bytes':>7}", Role.FAINT))]
    for row in rows:
        if isinstance(row, Fold):
            old, new = _fold_offsets(row)
            lines.append(line((f"{_INDENT}{old:>{column}}  {new:>{column}}  {'':>7}    … {row}", Role.FAINT)))
        elif not (row.mark is Mark.REORDERED and row.new is None):
            lines.append(_unified_row(row, rules, column, width))
    return lines


def _unified_row(row: Row, rules: Mapping[str, str], column: int, width: int) -> Line:
    old, new = _place(row.old), _place(row.new)
    if row.mark is Mark.REORDERED and row.new and row.new.elsewhere is not None:
        old = offset(row.new.elsewhere, bit_field=row.new.bit_field)
    lead = f"{_INDENT}{old or '-':>{column}}  {new or '-':>{column}}  {_size(row):>7}  "
    text = row.new.text if row.new else row.old.text if row.old else ""
    if row.old and row.new and row.old.text != row.new.text:
        text = contrast(row.old.text, row.new.text)
    room = width - len(lead) - 2
    note = _note(row, rules, room - len(text) - 2)
    role = Role.FAINT if row.hole else _ROLES[row.mark]
    body = f"{row.mark} {_cut(text, max(room - (len(note) + 2 if note else 0), 24))}"
    gap = " " * max(2, width - len(lead) - len(body) - len(note)) if note else ""
    return line((lead, Role.FAINT), (body, role), gap, (note, Role.FAINT))


def draw_side_by_side(rows: Sequence[Row | Fold], rules: Mapping[str, str], width: int) -> list[Line]:
    """Return old and new in two columns, a member on one line of both, holes shown on the side that has them."""
    column = _offset_width(rows)
    half = (width - len(_INDENT) - len(_SEPARATOR)) // 2
    text_width = half - column - 11
    head = f"{'old':>{column}}  {'bytes':>5}"
    tail = f"{'new':>{column}}  {'bytes':>5}"
    lines = [line((f"{_INDENT}{head:<{half}}{_SEPARATOR}{tail}", Role.FAINT))]
    for entry in abreast(rows):
        if isinstance(entry, Fold):
            old, new = _fold_offsets(entry)
            text = f"{old:>{column}}  {'':>5}    … {entry}"
            lines.append(line((f"{_INDENT}{text:<{half}}{_SEPARATOR}{new:>{column}}  {'':>5}    …", Role.FAINT)))
            continue
        left, right = entry
        spans = _half(left, left.old if left else None, column, text_width, "")
        near = _moved(right.new, "from") if right and right.new else ""
        note = _note(right or left, rules, text_width - len(near) - 2)
        other = _half(right, right.new if right else None, column, text_width, note)
        lines.append(line(_INDENT, *spans, (_SEPARATOR, Role.FAINT), *other))
    return lines


def _half(row: Row | None, cell: Cell | None, column: int, width: int, note: str) -> list[tuple[str, Role]]:
    if row is None or cell is None:
        body = f"{'':>{column}}  {'':>5}  "
        return [(body, Role.PLAIN), (f"{'':{width + 2}}" if not note else f"{note:>{width + 2}}", Role.FAINT)]
    text = _moved(cell, "to" if cell is row.old else "from")
    lead = f"{_place(cell):>{column}}  {_bytes(cell):>5}  "
    role = Role.FAINT if cell.hole else _ROLES[row.mark]
    room = width - (len(note) + 2 if note else 0)
    body = f"{row.mark} {_cut(text, room)}"
    return [
        (lead, Role.FAINT),
        (body, role),
        (" " * (width + 2 - len(body) - len(note)), Role.PLAIN),
        (note, Role.FAINT),
    ]


def _moved(cell: Cell, direction: str) -> str:
    """Return a declaration, with the place on the other side where the member stands in another order there."""
    if cell.elsewhere is None:
        return cell.text
    return f"{cell.text}  ({direction} {offset(cell.elsewhere, bit_field=cell.bit_field)})"


def _note(row: Row | None, rules: Mapping[str, str], room: int) -> str:
    """Return kind and rule of the edit that touches a row, the kind alone where the declaration needs the room."""
    if row is None or not row.kind:
        return ""
    note = code_and_name(row.kind, rules.get(row.kind, ""))
    return note if len(note) <= room else row.kind


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _place(cell: Cell | None) -> str:
    return offset(cell.offset, bit_field=cell.bit_field) if cell else ""


def _bytes(cell: Cell) -> str:
    return f"{cell.size}b" if cell.bit_field else str(cell.size // 8)


def _size(row: Row) -> str:
    sizes = [_bytes(cell) for cell in (row.old, row.new) if cell]
    return sizes[0] if len(set(sizes)) == 1 else "→".join(sizes)


def _fold_offsets(fold: Fold) -> tuple[str, str]:
    first = fold.rows[0]
    return _place(first.old), _place(first.new)


def _offset_width(rows: Sequence[Row | Fold]) -> int:
    cells = [
        cell
        for row in rows
        for cell in ((row.old, row.new) if isinstance(row, Row) else (row.rows[0].old, row.rows[0].new))
        if cell
    ]
    return max((len(_place(cell)) for cell in cells), default=3) if cells else 3
