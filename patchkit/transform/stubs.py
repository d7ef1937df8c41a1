"""transform.c: the functions that a programmer writes. Text in, text out; nothing that was written is ever lost."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from patchkit.model.decision import Way

FILE: Mapping[Way, str] = {Way.UP: "transform.c", Way.DOWN: "down.c"}
TODO = re.compile(r"\bPK_TODO\s*\(")
_DOWN_HEAD = """\
/* What a programmer decides about live state on the way back, in plain C. generated/down/old.h, new.h and symbols.h
 * have types and variables of both versions, and functions of the old one. patchkit adds stubs here, and never loses
 * what is written. */
#include <patchkit_migration.h>

#include "symbols.h"
"""
_HEAD = """\
/* What a programmer decides about live state, in plain C. generated/old.h, new.h and symbols.h have types, variables
 * and functions of both versions. patchkit adds stubs here, and never loses what is written. */
#include <patchkit_migration.h>

#include "symbols.h"
"""
_HEADS = {Way.UP: _HEAD, Way.DOWN: _DOWN_HEAD}
# Strings, comments, directives with continued lines, and braces.
_PIECE = re.compile(
    r'"(?:[^"\\\n]|\\.)*"' r"|'(?:[^'\\\n]|\\.)*'" r"|/\*.*?\*/|//[^\n]*|^[ \t]*#(?:[^\n\\]|\\.|\\\n)*|[{}]",
    re.S | re.M,
)
_SHELVED = re.compile(r"^/\* patchkit: (?P<subject>.*?): .*\*/\n#if 0 /\* patchkit \*/\n", re.M)
_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include\b[^\n]*\n", re.M)
_FIRST_COMMENT = re.compile(r"\A\s*/\*.*?\*/\n", re.S)
_SHELF_END = "#endif /* patchkit */\n"
# What a stub consists of, and lines that say nothing.
_GIVEN = re.compile(
    r"[\s{}();]*|pk_conversion \w+;|int pk_(?:transform|down)_\w+\(struct pk_migration .*[;{]"
    r"|if \(pk_(?:convert|down)_rest_\w+\(.*\)\)"
    r"|return [01];|\(void\)migration;|PK_TODO\(.*\);?"
)


@dataclass(frozen=True, slots=True)
class Function:
    """A function of transform.c: where its definition begins (comment and prototype before it included), its name's
    line (from 1), and where it ends.
    """

    start: int
    line: int
    body: int
    end: int


def find_function(text: str, name: str) -> Function | None:
    """Return where the definition of the function `name` stands, None where there is none that is in use."""
    for match in re.finditer(rf"^[A-Za-z_][\w \t*]*\b{re.escape(name)}[ \t]*\(", text, re.M):
        body = text.find("{", match.end())
        if body < 0 or ";" in text[match.end() : body] or _is_shelved(text, match.start()):
            continue
        end = _end_of_block(text, body)
        if end > 0:
            line = text.count("\n", 0, match.start()) + 1
            return Function(_with_what_is_before(text, match.start(), name), line, body, end)
    return None


def begun(text: str) -> tuple[str, ...]:
    """Return the names of the conversions that are defined and in use."""
    found = dict.fromkeys(re.findall(r"^int (pk_(?:transform|down)_\w+)[ \t]*\(", text, re.M))
    return tuple(name for name in found if find_function(text, name) is not None)


def is_written(text: str, name: str) -> bool:
    """Whether the function `name` is there without an open question in it."""
    found = find_function(text, name)
    return found is not None and not TODO.search(_without_comments(text[found.body : found.end]))


def regenerate(
    text: str,
    wanted: Mapping[str, str],
    dropped: Mapping[str, tuple[str, str]],
    stub: Callable[[str], str],
    way: Way = Way.UP,
) -> str:
    """Return transform.c with a stub for each of `wanted` (subject to function name) that has none yet.

    `dropped` are subjects that once had one and need it no longer, each with its function's name and the reason: such a
    function is moved behind a comment and compiled no more. One that is wanted again comes back as it was. `stub` gives
    the text for a subject.
    """
    for subject, (name, reason) in dropped.items():
        text = _shelve(text, subject, name, reason)
    for subject, name in wanted.items():
        if find_function(text, name) is None:
            text = _unshelve(text, subject) or _append(text or _HEADS[way], stub(subject))
    return text


def joined(texts: Sequence[tuple[str, str]], way: Way) -> str:
    """Return one transform.c with what several have, each given with a name for it; empty where there is none.

    A function that more than one of them has is put aside in each: a programmer makes one of them.
    """
    counts = Counter(name for _, text in texts for name in begun(text))
    includes, bodies = dict[str, None](), []
    for title, text in texts:
        for name in begun(text):
            if counts[name] > 1:
                text = _shelve(
                    text, f"{name} of {title}", name, "other steps have it too; what does it take to do both?"
                )
        includes |= dict.fromkeys(match.group().strip() for match in _INCLUDE.finditer(text))
        bodies.append(_INCLUDE.sub("", _FIRST_COMMENT.sub("", text, count=1)))
    head = _HEADS[way].partition("#include")[0] + "\n".join(includes) + "\n"
    return reduce(_append, bodies, head) if bodies else ""


def hand_written(text: str) -> int:
    """Count the lines of C in transform.c that a person wrote.

    What every stub has does not count, nor do comments, directives, lines of braces alone, and what is put aside.
    """
    lines = (line.strip() for line in _without_comments(_without_shelves(text)).splitlines())
    return sum(1 for line in lines if line and not line.startswith("#") and not _GIVEN.fullmatch(line))


def _append(text: str, more: str) -> str:
    return text.rstrip("\n") + "\n\n" + more.strip("\n") + "\n" if more.strip() else text


def _shelve(text: str, subject: str, name: str, reason: str) -> str:
    found = find_function(text, name)
    if found is None:
        return text
    block = text[found.start : found.end].rstrip("\n") + "\n"
    if re.search(r"^[ \t]*#[ \t]*(if|else|elif|endif)", block, re.M):
        return text  # conditions of the programmer's own would be torn apart
    rest = text[: found.start] + text[found.end :].removeprefix("\n")
    head = f"/* patchkit: {subject}: {reason.replace('*/', '* /')} */\n#if 0 /* patchkit */\n"
    return rest.rstrip("\n") + "\n\n" + head + block + _SHELF_END


def _unshelve(text: str, subject: str) -> str:
    """Return the text with the function of `subject` back in use, empty where none was put aside."""
    for match in _SHELVED.finditer(text):
        end = text.find(_SHELF_END, match.end())
        if match.group("subject") == subject and end >= 0:
            block, rest = text[match.end() : end], text[: match.start()] + text[end + len(_SHELF_END) :]
            return _append(rest, block)
    return ""


def _is_shelved(text: str, position: int) -> bool:
    return any(match.end() <= position < text.find(_SHELF_END, match.end()) for match in _SHELVED.finditer(text))


def _without_shelves(text: str) -> str:
    while match := _SHELVED.search(text):
        end = text.find(_SHELF_END, match.end())
        text = text[: match.start()] + (text[end + len(_SHELF_END) :] if end >= 0 else "")
    return text


def _end_of_block(text: str, opening: int) -> int:
    """Return where the block that begins at `opening` ends, its line feed included; -1 where it never does."""
    depth = 0
    for match in _PIECE.finditer(text, opening):
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        if depth == 0:
            end = text.find("\n", match.end())
            rest = text[match.end() : end if end >= 0 else len(text)]
            return match.end() if rest.strip() else (end + 1 if end >= 0 else len(text))
    return -1


def _with_what_is_before(text: str, start: int, name: str) -> int:
    """Return where a function begins together with the comment, and the declarations for it, that touch it."""
    lines = text[:start].split("\n")[:-1]
    taken = 0
    for line in reversed(lines):
        inside = line.strip()
        if not inside or inside.endswith("}") or inside.startswith("#"):
            break
        is_prototype = inside.endswith(";") and (name in inside or "pk_" in inside)
        if not (is_prototype or inside.startswith(("/*", "*", "//")) or inside.endswith("*/")):
            break
        taken += 1
    before = "\n".join(lines[len(lines) - taken :])
    torn = before.count("/*") != before.count("*/")
    return start if torn or not taken else start - len(before) - 1


def _without_comments(text: str) -> str:
    return _PIECE.sub(lambda match: " " if match.group().startswith(("/*", "//")) else match.group(), text)
