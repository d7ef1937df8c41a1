"""Tell from its text what a declaration is, so that only what is asked for is parsed."""

import re
from enum import Enum, auto

from patchkit.read.source.tokens import TOKEN

_SKIPPED_GROUP = frozenset(
    {"__attribute__", "__attribute", "typeof", "__typeof__", "__typeof", "typeof_unqual", "asm", "__asm__", "__asm"}
    | {"_Alignas", "alignas", "__declspec", "_Atomic"}
)
_PROTOTYPE = re.compile(r"(?:[A-Za-z_$][\w$]*[\s*]+)+?([A-Za-z_$][\w$]*)\s*\((?!\s*\*)")
_LEADING_ATTRIBUTE = re.compile(
    r"(?:__extension__|__attribute__\s*\(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\)|\[\[[^\]]*\]\])\s*"
)
_TOP_ASM = re.compile(r"(?:asm|__asm__|__asm)\b")
_ASSERTION = re.compile(r"(?:_Static_assert|static_assert)\b")


class Kind(Enum):
    """What a top-level declaration is, as far as its text tells."""

    FUNCTION = auto()  # a definition
    PROTOTYPE = auto()  # a declaration of one function, nothing else
    TYPEDEF = auto()
    TYPE = auto()  # defines a tag, and perhaps variables
    VARIABLE = auto()
    EXTERN = auto()  # declares a variable that is defined elsewhere
    NOTHING = auto()  # asm, static assertions, pragmas


def classify(head: str, has_body: bool) -> tuple[Kind, str]:
    """Return the kind of a declaration, and for a prototype the function's name (else empty)."""
    if has_body:
        return Kind.FUNCTION, ""
    text = head
    while match := _LEADING_ATTRIBUTE.match(text):
        text = text[match.end() :]
    if text.startswith("#"):
        return Kind.TYPE, ""
    if "typedef" in text[:64] and re.match(r"(?:\w+\s+)*?typedef\b", text):
        return Kind.TYPEDEF, ""
    if _TOP_ASM.match(text) or _ASSERTION.match(text):
        return Kind.NOTHING, ""
    if "=" not in text and (match := _PROTOTYPE.match(text)) and match.group(1) not in _SKIPPED_GROUP:
        if "{" not in text and "," not in _after_group(text, match.end() - 1):
            return Kind.PROTOTYPE, match.group(1)
    if "{" in text and re.match(r"(?:\w+\s+)*?(?:struct|union|enum)\b", text):
        return Kind.TYPE, ""
    if text.startswith("extern") and "=" not in text:
        return Kind.EXTERN, ""
    return Kind.VARIABLE, ""


def _after_group(text: str, opening: int) -> str:
    depth = 0
    for position in range(opening, len(text)):
        depth += (text[position] == "(") - (text[position] == ")")
        if depth == 0:
            rest = text[position + 1 :]
            return re.sub(r"\((?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\)", "", rest)
    return ""


def typedef_names(head: str) -> list[str]:
    """Return the names that a typedef declares, without parsing it."""
    words = TOKEN.findall(head)
    names: list[str] = []
    candidate, depth, position, fixed = "", 0, 0, False
    while position < len(words):
        word = words[position]
        if word in _SKIPPED_GROUP and words[position + 1 : position + 2] == ["("]:
            position = _group_end(words, position + 1)
        elif word == "{":
            position = _group_end(words, position)
            candidate = ""
        elif word in ("(", "["):
            # A declarator in parentheses begins with a star or an attribute; all else is parameters or a bound.
            ahead = words[position + 1 : position + 4]
            if word == "(" and not fixed and (ahead[:1] in (["*"], ["__attribute__"]) or ahead[1:] == [")", "("]):
                depth += 1
            else:
                fixed = fixed or bool(candidate)
                position = _group_end(words, position)
        elif word == ")":
            depth -= 1
            fixed = True
        elif word in (",", ";") and depth <= 0:
            if candidate:
                names.append(candidate)
            candidate, fixed = "", False
        elif (word[0].isalpha() or word[0] in "_$") and not fixed:
            candidate = word
        position += 1
    return names


def _group_end(words: list[str], opening: int) -> int:
    depth = 0
    for position in range(opening, len(words)):
        if words[position] in ("(", "[", "{"):
            depth += 1
        elif words[position] in (")", "]", "}"):
            depth -= 1
            if depth == 0:
                return position
    return len(words)
