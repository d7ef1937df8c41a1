"""What an edit changed in a header, seen before any preprocessing: the stretches of text between its directives.

Where all directives stay what they are, a header's text leaves every macro as it was. So what follows it, in each unit
that includes it, reads as before, and of its own text only the stretches that changed can read otherwise.
"""

import re
from dataclasses import dataclass
from itertools import accumulate, pairwise

from patchkit.read.edited.edit import Unpatchable

_COMMENT_OR_LITERAL = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"' r"|'(?:[^'\\\n]|\\.)*'", re.S)
_SPLICE = re.compile(r"\\[ \t\f\v]*\r?\n")
_WORD = re.compile(r"(?!\d)[\w$]+")
_MARK = re.compile(r'"(?:[^"\\\n]|\\.)*"' r"|'(?:[^'\\\n]|\\.)*'|[()]")
_NAME_AT_END = re.compile(r"[\w$]$")
_CONTINUED = "\x01"  # a line feed inside a comment, or behind a backslash
_BLANK = " \t\f\v\r" + _CONTINUED
_DEFINES = re.compile(rf"[{_BLANK}]*#[{_BLANK}]*(?:define|undef)\b")
# Trigraphs, digraphs of directives, raw strings, renumbered lines, names of other letters: not looked into.
_ODD = re.compile(r"\?\?[=/'()!<>-]|^\s*%:|\bR\"|^\s*#\s*(?:line\b|\d)|\\[uU]|[\x01\udc80-\udcff]", re.M)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Text between two directives without comments, from one line to another.

    `beside` are the lines of those of the two directives that define or undefine a macro.
    """

    text: str
    first: int
    last: int
    beside: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HeaderEdit:
    """What changed in a header: the stretches as they were, each with the names in it before and now."""

    changed: tuple[tuple[Stretch, frozenset[str]], ...]


def compare_headers(old: str, new: str) -> HeaderEdit:
    """Compare two texts of a header. Raises Unpatchable where more than the text between its directives changed."""
    before, directives = _parts(old)
    after, others = _parts(new)
    if directives != others:
        raise Unpatchable("a directive of a header changed")
    pairs = [(one, other) for one, other in zip(before, after, strict=True) if _lines(one) != _lines(other)]
    for stretch in (*before, *(other for _, other in pairs)):
        _check_alone(stretch)
    return HeaderEdit(tuple((one, _names(one) | _names(other)) for one, other in pairs))


def _parts(text: str) -> tuple[list[Stretch], list[str]]:
    """Return the stretches between the directives of a header, and the directives."""
    if _ODD.search(text):
        raise Unpatchable("a header with trigraphs, raw strings or renumbered lines")
    text = _SPLICE.sub(_CONTINUED, text)
    text = _COMMENT_OR_LITERAL.sub(_without_comment, text)
    lines = text.split("\n")
    starts = [0, *accumulate(1 + line.count(_CONTINUED) for line in lines)]
    places = [number for number, line in enumerate(lines) if line.lstrip(_BLANK).startswith("#")]
    defines = {number: starts[number] + 1 for number in places if _DEFINES.match(lines[number])}
    stretches = []
    for before, after in pairwise([-1, *places, len(lines)]):
        beside = tuple(defines[number] for number in (before, after) if number in defines)
        text = "\n".join(lines[before + 1 : after])
        stretches.append(Stretch(text, starts[before + 1] + 1, starts[after], beside))
    return stretches, [lines[number].replace(_CONTINUED, "").strip() for number in places]


def _without_comment(match: re.Match[str]) -> str:
    text = match.group()
    return " " + _CONTINUED * (text.count("\n") + text.count(_CONTINUED)) if text.startswith("/") else text


def _names(stretch: Stretch) -> frozenset[str]:
    return frozenset(_WORD.findall(stretch.text.replace(_CONTINUED, "")))


def _lines(stretch: Stretch) -> list[str]:
    """Return the lines of a stretch without what only places them."""
    lines = [line.replace(_CONTINUED, "").strip() for line in stretch.text.split("\n")]
    return [line for line in lines if line]


def _check_alone(stretch: Stretch) -> None:
    """Raise Unpatchable where a macro's arguments may reach out of a stretch or into it."""
    depth = 0
    for mark in _MARK.findall(stretch.text):
        depth += (mark == "(") - (mark == ")")
        if depth < 0:
            break
    lines = _lines(stretch)
    if depth or (lines and (lines[0].startswith("(") or _NAME_AT_END.search(lines[-1]))):
        raise Unpatchable("a directive of the header stands within a declaration")
