"""Lines of text with a role for each stretch: one composition for pipes, plain terminals and coloured ones."""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a stretch of text is; a terminal may colour it, the words never depend on it."""

    PLAIN = ""
    HEAD = "head"
    NAME = "name"
    FAINT = "faint"
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    ASKED = "asked"
    BLOCKED = "blocked"
    CODE = "code"
    CONFIRM = "confirm"
    CHECK = "check"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one role."""

    text: str
    role: Role = Role.PLAIN


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output."""

    spans: tuple[Span, ...] = ()

    def __str__(self) -> str:
        return "".join(span.text for span in self.spans).rstrip()


BLANK = Line()
NO_LIMIT = 1_000_000


def line(*parts: "str | Span | tuple[str, Role]") -> Line:
    """Return a line of `parts`: plain strings, spans, or pairs of text and role."""
    return Line(tuple(_span(part) for part in parts))


def wrapped(lead: str, text: str, width: int, role: Role = Role.PLAIN, lead_role: Role = Role.PLAIN) -> list[Line]:
    """Return `text` after `lead`, further lines under its first word; a word that is too long is left whole."""
    room = max(width - len(lead), 20)
    rows = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
    first, *rest = rows
    return [line((lead, lead_role), (first, role)), *(line(" " * len(lead), (row, role)) for row in rest)]


def enumerated(items: Iterable[str], at_most: int, width: int, *, more: str = "(--full)") -> str:
    """Return `a, b, c … and 37 more (--full)`: as many items as `at_most` allows and `width` holds, at least one.

    With `NO_LIMIT` all of them are there, however long that is.
    """
    items = list(items)
    if at_most == NO_LIMIT:
        return ", ".join(items)
    taken: list[str] = []
    for item in items[:at_most]:
        rest = len(items) - len(taken) - 1
        tail = len(f" … and {rest} more {more}") if rest else 0
        if taken and len(", ".join((*taken, item))) + tail > width:
            break
        taken.append(item)
    left = len(items) - len(taken)
    return ", ".join(taken) + (f" … and {left:,} more {more}".rstrip() if left else "")


def _span(part: "str | Span | tuple[str, Role]") -> Span:
    match part:
        case Span():
            return part
        case str():
            return Span(part)
        case (text, role):
            return Span(text, role)
