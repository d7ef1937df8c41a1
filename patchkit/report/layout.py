"""Line up the old and the new layout of a record, member by member, with its holes: what the drawings draw."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import StrEnum

from patchkit.model.change import Change, LayoutPair, PlacedMember
from patchkit.report.words import extent, visible

_MOVED = "T03"
_SHORTEST_FOLD = 2


class Mark(StrEnum):
    """What became of a member; the marks of a unified view."""

    SAME = " "
    CHANGED = "~"
    ADDED = "+"
    REMOVED = "-"
    REORDERED = ">"


@dataclass(frozen=True, slots=True)
class Cell:
    """One side of a row: a member or a hole.

    Offsets and sizes in bits; `elsewhere` is where the other side has a member that changed places.
    """

    text: str
    offset: int
    size: int
    kind: str = ""
    hole: bool = False
    bit_field: bool = False
    elsewhere: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A member on both sides, or on one: the other is None."""

    mark: Mark
    old: Cell | None
    new: Cell | None

    @property
    def kind(self) -> str:
        """The kind of the edit that touches the member, empty where none does."""
        return (self.new and self.new.kind) or (self.old and self.old.kind) or ""

    @property
    def hole(self) -> bool:
        """Whether this row is unused space on each side that has it."""
        return all(cell.hole for cell in (self.old, self.new) if cell)

    @property
    def shift(self) -> int:
        """How many bits later the new side has it; 0 for a row of one side."""
        return self.new.offset - self.old.offset if self.old and self.new else 0

    @property
    def quiet(self) -> bool:
        """Whether nothing is to be said about it but where it moved along with its neighbours."""
        if self.mark is not Mark.SAME or self.old is None or self.new is None:
            return False
        return self.old.size == self.new.size


@dataclass(frozen=True, slots=True)
class Fold:
    """Consecutive quiet rows in one: how many members, and by how many bits the first and last of them moved."""

    rows: tuple[Row, ...]

    @property
    def members(self) -> int:
        """How many members it stands for."""
        return sum(not row.hole for row in self.rows)

    def __str__(self) -> str:
        shifts = sorted({row.shift for row in self.rows if not row.hole})
        number = f"{self.members} member{'s' * (self.members != 1)}"
        match shifts:
            case [] | [0]:
                return f"{number} unmoved"
            case [one]:
                return f"{number} moved by {'+' if one > 0 else '-'}{extent(abs(one))}"
            case _:
                return f"{number} moved by {_bytes(shifts[0])} to {_bytes(shifts[-1])} bytes"


def align(pair: LayoutPair, renamed: Mapping[str, str] | None = None) -> tuple[Row, ...]:
    """Return the rows of both sides in order of layout; `renamed` pairs members that go by another name now."""
    old = _keyed(pair.old, pair.old_size, renamed or {})
    new = _keyed(pair.new, pair.new_size, {})
    places = ({key: cell.offset for key, cell in old}, {key: cell.offset for key, cell in new})
    matcher = SequenceMatcher(None, [key for key, _ in old], [key for key, _ in new], autojunk=False)
    rows: list[Row] = []
    for _, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        left, right = old[old_from:old_to], new[new_from:new_to]
        if left and right and left[0][0] == right[0][0]:
            rows += [_paired(a, b) for (_, a), (_, b) in zip(left, right, strict=True)]
        else:
            rows += [
                Row(_mark(key, places[1], Mark.REMOVED), _elsewhere(key, cell, places[1]), None) for key, cell in left
            ]
            rows += [
                Row(_mark(key, places[0], Mark.ADDED), None, _elsewhere(key, cell, places[0])) for key, cell in right
            ]
    return tuple(rows)


def fold(rows: Sequence[Row], context: int) -> tuple[Row | Fold, ...]:
    """Return `rows` with every stretch of quiet ones folded, but for `context` members on each side of a loud one."""
    loud = [number for number, row in enumerate(rows) if not row.quiet]
    kept = {near for number in loud for near in range(number - context, number + context + 1)}
    folded: list[Row | Fold] = []
    stretch: list[Row] = []
    for number, row in enumerate(rows):
        if number in kept:
            folded += _folded(stretch)
            stretch = []
            folded.append(row)
        else:
            stretch.append(row)
    return (*folded, *_folded(stretch))


def renames(change: Change) -> dict[str, str]:
    """Return old to new name of the members that `change` proposes as renamed."""
    return {
        edit.old.name: edit.new.name
        for edit in change.edits
        if edit.old and edit.new and edit.old.name != edit.new.name
    }


def abreast(rows: Iterable[Row | Fold]) -> list[tuple[Row | None, Row | None] | Fold]:
    """Return rows for two columns: one-sided neighbours share a line, a row of both sides is in both columns."""
    lines: list[tuple[Row | None, Row | None] | Fold] = []
    waiting: list[Row] = []
    for row in rows:
        if isinstance(row, Row) and row.new is None:
            waiting.append(row)
        elif isinstance(row, Row) and row.old is None:
            lines.append((waiting.pop(0) if waiting else None, row))
        else:
            lines += [(left, None) for left in waiting]
            waiting = []
            lines.append((row, row) if isinstance(row, Row) else row)
    return lines + [(left, None) for left in waiting]


Key = tuple[str, str, int]


def _keyed(members: Sequence[PlacedMember], size: int, renamed: Mapping[str, str]) -> list[tuple[Key, Cell]]:
    """Return members and holes in order, each under a key that its twin on the other side has too."""
    seen: Counter[str] = Counter()
    keyed: list[tuple[Key, Cell]] = []
    end = 0
    for member in sorted(members, key=lambda m: m.offset):
        name = renamed.get(member.name, member.name) or member.declaration
        seen[name] += 1
        key = ("member", name, seen[name])
        if member.offset > end:
            keyed.append((("hole", name, seen[name]), _hole(end, member.offset)))
        keyed.append((key, _cell(member)))
        end = max(end, member.offset + member.size)
    if members and size * 8 > end:
        keyed.append((("hole", "", 0), _hole(end, size * 8)))
    return keyed


def _cell(member: PlacedMember) -> Cell:
    bit_field = bool(member.offset % 8 or member.size % 8 or _declares_bits(member))
    return Cell(visible(member.declaration), member.offset, member.size, member.kind, bit_field=bit_field)


def _declares_bits(member: PlacedMember) -> bool:
    return member.declaration.rpartition(" : ")[2].strip().isdecimal() and " : " in member.declaration


def _hole(start: int, end: int) -> Cell:
    return Cell(f"({extent(end - start)} unused)", start, end - start, hole=True, bit_field=bool(start % 8))


def _paired(old: Cell, new: Cell) -> Row:
    if old.hole:
        return Row(Mark.SAME, old, new)
    loud = {old.kind, new.kind} - {"", _MOVED}
    changed = loud or old.text != new.text or old.size != new.size
    return Row(Mark.CHANGED if changed else Mark.SAME, old, new)


def _mark(key: Key, other: Mapping[Key, int], lone: Mark) -> Mark:
    if key[0] == "hole":
        return Mark.SAME
    return Mark.REORDERED if key in other else lone


def _elsewhere(key: Key, cell: Cell, other: Mapping[Key, int]) -> Cell:
    return cell if cell.hole else replace(cell, elsewhere=other.get(key))


def _folded(stretch: list[Row]) -> list[Row | Fold]:
    return [Fold(tuple(stretch))] if len(stretch) >= _SHORTEST_FOLD else list(stretch)


def _bytes(bits: int) -> str:
    return f"{bits / 8:+g}" if bits else "0"
