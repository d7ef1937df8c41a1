"""What is said the same way in every format for people: places, sizes, offsets, where instances live."""

import re
from collections.abc import Iterable

from patchkit.model.change import Change, Comparison, Edit, Reach, Side, Storage
from patchkit.model.kinds import kind_title
from patchkit.model.program import Coord, Member
from patchkit.model.rules import rule_name
from patchkit.model.words import counted

# Control characters, direction overrides, invisible ones and lone surrogates: a name could use them to forge a report.
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def visible(text: str) -> str:
    """Return `text` with every character that acts on the reader's screen, or cannot be encoded, shown as an escape."""
    return _INVISIBLE.sub(lambda match: _escape(ord(match[0])), text)


def _escape(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file name that is not UTF-8 (PEP 383)
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def place(change: Change) -> str:
    """Return where `change` is: `src/a.h:3`, `src/a.h:3→5`, `a.c:3 → b.c:5`, or nothing where neither side is known."""
    old, new = change.old_coord, change.new_coord
    if old is None or new is None or old == new:
        known = new or old
        return visible(str(known)) if known else ""
    if old.file == new.file and old.line and new.line:
        return visible(f"{old}→{new.line}")
    return visible(f"{old} → {new}")


def coord_of(change: Change) -> Coord | None:
    """Return where a reader of the new version should look; for what was removed, where it was."""
    return change.new_coord or change.old_coord


def entries(changes: Iterable[Change]) -> list[tuple[str, str]]:
    """Return name and place of everything that `changes` stand for; of a folded change only the names are known."""
    found = []
    for change in changes:
        coord = coord_of(change)
        if change.folded:
            found += [(visible(key), "") for key in change.folded]
        else:
            found.append((visible(change.name or change.title), visible(str(coord)) if coord else ""))
    return found


def sizes(change: Change) -> str:
    """Return `80 → 112 bytes (+32)`, `4 bytes` where nothing grew, nothing where sizes mean nothing."""
    old, new = change.old_size, change.new_size
    if old == new:
        return counted(old, "byte") if old else ""
    if not change.old_key or not change.new_key:
        return counted(old or new, "byte")
    return f"{old:,} → {new:,} bytes ({new - old:+,})"


def offset(bits: int, *, bit_field: bool = False) -> str:
    """Return an offset in bytes, `12+3` for a bit-field that begins three bits into byte 12."""
    return f"{bits // 8}+{bits % 8}" if bit_field or bits % 8 else str(bits // 8)


def extent(bits: int) -> str:
    """Return a size: `4 bytes`, or `3 bits` where it is not whole bytes."""
    return counted(bits, "bit") if bits % 8 else counted(bits // 8, "byte")


def member_offset(member: Member) -> str:
    """Return where `member` stands in its record."""
    return offset(member.offset, bit_field=member.width is not None)


def code_and_name(kind: str, rule: str) -> str:
    """Return `T01 field-added`, or with the kind's title where no rule reports it."""
    return f"{kind} {rule_name(rule) or kind_title(kind)}".rstrip()


def transition(edit: Edit) -> str:
    """Return both sides of an edit as C text: `short port → int port`."""
    was, now = visible(edit.was), visible(edit.now)
    if was == now or not was or not now:
        return now or was or visible(edit.name)
    return contrast(was, now)


def said(edit: Edit) -> str:
    """Return what an edit means, with the name it is about."""
    return edit.text if not edit.name or edit.name in edit.text or not edit.text else f"{edit.name}: {edit.text}"


def contrast(was: str, now: str) -> str:
    """Return `was → now`, without repeating the words that both begin with: `int slots[12] → slots[16]`."""
    common = 0
    before, after = was.split(" "), now.split(" ")
    while common < min(len(before), len(after)) - 1 and before[common] == after[common]:
        common += 1
    if not (before[common][:1].isalnum() and after[common][:1].isalnum()):
        common = 0  # `char *text` without its `char` would not be understood
    return f"{was} → {' '.join(after[common:])}"


def homes(reach: Iterable[Reach]) -> list[tuple[Storage, list[str]]]:
    """Return the access paths to live instances by storage, each once, shortest first."""
    found: dict[Storage, set[str]] = {}
    for one in reach:
        file = one.variable.rpartition(":")[0]
        path = one.path or one.variable
        found.setdefault(one.storage, set()).add(visible(f"{path} ({file})" if file and file not in path else path))
    return [(storage, sorted(found[storage], key=lambda p: (len(p), p))) for storage in Storage if storage in found]


def side_summary(side: Side) -> str:
    """Return in one line what was read of a version."""
    return (
        f"{visible(side.label)}: {counted(side.units, 'unit')}, {counted(side.records + side.enums, 'type')}, "
        f"{counted(side.variables, 'variable')}, {counted(side.functions, 'function')} ({side.origin})"
    )


def unread(comparison: Comparison) -> list[tuple[Side, str, str, str]]:
    """Return what could not be read: its side, place, reason and hint."""
    return [
        (side, visible(str(gap.coord)), visible(gap.reason), visible(gap.hint))
        for side in (comparison.old, comparison.new)
        for gap in side.gaps
    ]


def blind_spots(comparison: Comparison) -> list[str]:
    """Return in words what the analysis of these two versions cannot see."""
    spots = [
        f"{visible(side.label)} was read from {side.origin}, which does not show {', '.join(side.unseen)}"
        for side in (comparison.old, comparison.new)
        if side.unseen
    ]
    return spots + [visible(note) for note in comparison.notes]
