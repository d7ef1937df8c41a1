"""The drawing of a record for the page: both versions as bars to scale, and a table member by member."""

from collections.abc import Iterable
from dataclasses import dataclass

from patchkit.model.change import Change, LayoutPair
from patchkit.report.layout import Cell, Fold, Mark, Row, abreast, align, fold, renames
from patchkit.report.words import code_and_name, extent, offset

SCALE = 1000.0
_PIXELS_PER_BYTE, _LOWEST, _HIGHEST = 4, 22, 120
_THINNEST = 3.0
_CONTEXT = 2
_HOLES_UP_TO = 512  # bytes; in a larger record a hole that stays is too thin to be seen
_CSS = {
    Mark.SAME: "same",
    Mark.CHANGED: "changed",
    Mark.ADDED: "added",
    Mark.REMOVED: "removed",
    Mark.REORDERED: "moved",
}
View = dict[str, object]


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of members with one fate: where it begins and ends on each side, in bits; None where it is not."""

    css: str
    old: tuple[int, int] | None
    new: tuple[int, int] | None
    title: str


def draw(pair: LayoutPair, change: Change, *, full: bool) -> View:
    """Return what the page draws of a record that both versions have."""
    rows = align(pair, renames(change))
    rules = {edit.kind: edit.rule for edit in change.edits}
    entries = abreast(fold(rows, len(rows) if full else _CONTEXT))
    widest = max(pair.old_size, pair.new_size)
    return {
        "old_size": pair.old_size,
        "new_size": pair.new_size,
        "bars": _bars(rows, widest * 8) if widest and not _is_union(pair) else None,
        "rows": [_entry(entry, rules) for entry in entries],
    }


def _is_union(pair: LayoutPair) -> bool:
    return any(len(side) > 1 and not any(member.offset for member in side) for side in (pair.old, pair.new))


def _bars(rows: Iterable[Row], bits: int) -> View:
    """Return rectangles and connecting shapes, x in units of `SCALE` for the larger of both records."""
    bands = _bands(rows, holes=bits <= _HOLES_UP_TO * 8)
    old = [_box(band.old, band, bits) for band in bands if band.old]
    new = [_box(band.new, band, bits) for band in bands if band.new]
    links = [_link(band, bits) for band in bands if band.old and band.new and band.css != "hole"]
    return {"old": old, "new": new, "links": links}


def _bands(rows: Iterable[Row], *, holes: bool) -> list[Band]:
    """Return runs of quiet members in one band each, and a band for everything else; reordered members once."""
    bands: list[Band] = []
    for row in rows:
        css = "hole" if row.hole else _CSS[row.mark]
        if (row.mark is Mark.REORDERED and row.old is None) or (row.hole and row.quiet and not holes):
            continue
        band = Band(css, _span(row.old), _span(_twin(row) if row.mark is Mark.REORDERED else row.new), _title(row))
        last = bands[-1] if bands else None
        if last and css == last.css == "same" and _continues(last, band):
            bands[-1] = Band("same", _joined(last.old, band.old), _joined(last.new, band.new), "unchanged members")
        else:
            bands.append(band)
    return bands


def _twin(row: Row) -> Cell | None:
    cell = row.old
    if cell is None or cell.elsewhere is None:
        return None
    return Cell(cell.text, cell.elsewhere, cell.size, cell.kind)


def _continues(last: Band, band: Band) -> bool:
    if not (last.old and last.new and band.old and band.new):
        return False
    return band.old[0] - last.old[0] == band.new[0] - last.new[0] and band.old[0] >= last.old[1]


def _joined(first: tuple[int, int] | None, second: tuple[int, int] | None) -> tuple[int, int] | None:
    return (first[0], second[1]) if first and second else first or second


def _span(cell: Cell | None) -> tuple[int, int] | None:
    return (cell.offset, cell.offset + cell.size) if cell else None


def _title(row: Row) -> str:
    cell = row.new or row.old
    return f"{cell.text}, {extent(cell.size)}" if cell else ""


def _box(span: tuple[int, int], band: Band, bits: int) -> View:
    start, end = (SCALE * edge / bits for edge in span)
    width = max(end - start, 0.0 if band.css in ("same", "hole") else _THINNEST)
    return {"x": f"{start:.2f}", "width": f"{width:.2f}", "css": band.css, "title": band.title}


def _link(band: Band, bits: int) -> View:
    (a, b), (c, d) = band.old or (0, 0), band.new or (0, 0)
    points = ((a, 0), (b, 0), (d, 1), (c, 1))
    return {"points": " ".join(f"{SCALE * x / bits:.2f},{26 + 28 * y}" for x, y in points), "css": band.css}


def _entry(entry: tuple[Row | None, Row | None] | Fold, rules: dict[str, str]) -> View:
    if isinstance(entry, Fold):
        first = entry.rows[0]
        ends = (_place(first.old), _place(first.new))
        return {"fold": f"… {entry}", "old_place": ends[0], "new_place": ends[1]}
    left, right = entry
    tallest = max((row_cell.size for row_cell in (left and left.old, right and right.new) if row_cell), default=0)
    kinds = [row.kind for row in (left, right) if row and row.kind]
    return {
        "fold": "",
        "old": _cell(left, left.old if left else None, "to"),
        "new": _cell(right, right.new if right else None, "from"),
        "height": min(max(_LOWEST, _PIXELS_PER_BYTE * tallest // 8), _HIGHEST),
        "notes": [code_and_name(kind, rules.get(kind, "")) for kind in dict.fromkeys(kinds)],
    }


def _cell(row: Row | None, cell: Cell | None, direction: str) -> View | None:
    if row is None or cell is None:
        return None
    moved = "" if cell.elsewhere is None else f"moved {direction} {offset(cell.elsewhere, bit_field=cell.bit_field)}"
    return {
        "css": "hole" if cell.hole else _CSS[row.mark],
        "mark": "" if row.mark is Mark.SAME else row.mark.value,
        "place": _place(cell),
        "text": cell.text,
        "size": "" if cell.hole else extent(cell.size),
        "moved": moved,
        "bits": _bits(cell) if cell.bit_field and not cell.hole else None,
    }


def _bits(cell: Cell) -> View:
    """Return which bits of the bytes around a bit-field are its own."""
    first = cell.offset % 8
    total = -(-(first + cell.size) // 8) * 8
    return {
        "first": first,
        "size": cell.size,
        "total": total,
        "label": f"bits {first} to {first + cell.size - 1} of {total}",
    }


def _place(cell: Cell | None) -> str:
    return offset(cell.offset, bit_field=cell.bit_field) if cell else ""
