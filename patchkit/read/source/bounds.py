"""How many elements an initialiser gives an array whose declaration leaves the bound open."""

import re
from functools import cache

from patchkit.model.typecode import TypeCode
from patchkit.read.source.tokens import TOKEN

_STRING = re.compile(r'(?:u8|[LuU])?"')
_STRING_BEGINS = re.compile(r'[{ ]*(?:u8|[LuU])?"')
_MARK = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|[{}()\[\],]')


def string_size(element: TypeCode, initialiser: str) -> str | None:
    """Return a C expression for the element count if the initialiser is a string, in braces or not."""
    plain = element[2] if isinstance(element, list) and element[0] == "q" else element
    if (isinstance(plain, list) and plain[0] == "*") or not _STRING_BEGINS.match(initialiser):
        return None
    words = TOKEN.findall(initialiser)
    if len(words) > 2 and words[0] == "{" and words[-1] == "}":
        words = [word for word in words[1:-1] if word != ","]
    if not words or not all(_STRING.match(word) for word in words):
        return None
    text = " ".join(words)
    return f"sizeof({text}) / sizeof(({text})[0])"


@cache
def elements(initialiser: str) -> tuple[str, ...] | None:
    """Return the top-level elements of a braced initialiser, None where it is not braced."""
    if not (initialiser.startswith("{") and initialiser.endswith("}")):
        return None
    found: list[str] = []
    depth, begin = 0, 1
    for match in _MARK.finditer(initialiser):
        mark = initialiser[match.start()]
        if mark in "{([":
            depth += 1
        elif mark in "})]":
            depth -= 1
        if (mark == "," and depth == 1) or (mark == "}" and depth == 0):
            if part := initialiser[begin : match.start()].strip():
                found.append(part)
            begin = match.end()
    return tuple(found)


def designator(element: str) -> str | None:
    """Return the constant expression of the highest index that `[i] =` or `[i ... j] =` names, None without one."""
    if not element.startswith("["):
        return None
    words, depth = element.split(), 0
    for position, word in enumerate(words):
        depth += (word == "[") - (word == "]")
        if depth == 0:
            inside = words[1:position]
            return " ".join(inside[inside.index("...") + 1 :] if "..." in inside else inside)
    return None


def is_plain(element: TypeCode, text: str) -> bool:
    """Whether one written element is surely one element of the array: braced, or of a type without parts."""
    if text.startswith(("{", "[")):
        return True
    code = element[2] if isinstance(element, list) and element[0] == "q" else element
    return isinstance(code, str) or code[0] in ("*", "e")
