"""What a function body says without being parsed: fingerprint, names, members, likely writes, static locals."""

import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from patchkit.read.source.fragment import Fragment, RawBody
from patchkit.read.source.tokens import TOKEN

if TYPE_CHECKING:
    from patchkit.read.source.declarations import DeclarationParser

_MEMBER = re.compile(r"(?:^| )(?:\.|->) ([A-Za-z_$][\w$]*)")
_ASSIGNS = frozenset("= += -= *= /= %= &= |= ^= <<= >>=".split())
_STEPS = frozenset(("++", "--"))
_WRITES = _ASSIGNS | _STEPS | {"&"}
# An ampersand after one of these takes an address; after an operand it is the operator.
_BEFORE_ADDRESS = frozenset("( , = ? : { ; return && || ! [ == != }".split())
_REACHED = frozenset(("(", "[", ".", "->"))
_NOT_A_VALUE = frozenset((".", "->", "struct", "union", "enum", "goto", "sizeof"))
_TAG = re.compile(r"\b(struct|union|enum) ([A-Za-z_$][\w$]*)")
_KEYWORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if inline int long register"
    " restrict return short signed sizeof static struct switch typedef union unsigned void volatile while _Bool".split()
)
_AGGREGATES = ("struct", "union", "enum")


def fingerprint_text(text: str) -> str:
    """Return a fingerprint, 16 hexadecimal digits, of C tokens that stand one space apart."""
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def read_body(function: str, body: str, parser: "DeclarationParser") -> tuple[RawBody, Fragment]:
    """Return what is known of the body of `function`, and a fragment with the types that its static locals need.

    The key of a type that is declared in a function names the function: `struct f().tag`.
    """
    words = TOKEN.findall(body)
    raw = summary(words)
    local_types = Fragment()
    if "static" in words:
        raw.parsed = True
        _static_locals(words, parser, raw, local_types)
        _qualify(function, raw, local_types)
    return raw, local_types


def plain_body(body: str) -> RawBody | None:
    """Return what is known of a body without static locals, None for one that may have some."""
    words = TOKEN.findall(body)
    return None if "static" in words else summary(words)


def summary(words: list[str]) -> RawBody:
    """Return what the tokens of a body say, static locals apart."""
    text = " ".join(words)
    names = {
        word for word in set(words) if (word[0].isalpha() or word[0] in "_$") and word[-1] not in "\"'"
    } - _KEYWORDS
    names.update(f"{tag} {name}" for tag, name in _TAG.findall(text))
    members = set(_MEMBER.findall(text))
    assigned = _assigned(words) & names
    handed_on = _handed_on(words) & names
    return RawBody(fingerprint_text(text), sorted(names), sorted(members), sorted(assigned), sorted(handed_on))


def written_names(
    body: RawBody, variables: frozenset[str], addressed: frozenset[str], parameters: Sequence[str]
) -> tuple[str, ...]:
    """Return the variables that a body may write or pass on, its static ones too, and functions it passes on."""
    found = addressed.intersection(body.handed_on).difference(parameters)
    found |= variables.intersection(body.assigned)
    if body.statics:
        found |= {variable.name for variable in body.statics}.intersection(body.assigned)
        found |= {v.name for v in body.statics if v.type[0] == "[]"}.intersection(body.handed_on)
    return tuple(sorted(found))


def _qualify(function: str, raw: RawBody, types: Fragment) -> None:
    """Give local types keys that name their function, and no spelling: nothing outside can name them."""
    from patchkit.read.source.scope import rename_keys  # not needed for the body of an edited function

    keys = [record.key for record in types.records] + [enum.key for enum in types.enums if enum.spelling]
    renamed = {}
    for key in keys:
        tag, name = key.split(" ", 1)
        renamed[key] = f"{tag} <{function}().{name[1:]}" if name.startswith("<") else f"{tag} {function}().{name}"
    for record in types.records:
        record.key, record.parent, record.spelling = renamed[record.key], renamed.get(record.parent, ""), ""
        for member in record.members:
            member.type = rename_keys(member.type, renamed)
    for enum in types.enums:
        enum.key, enum.spelling = renamed.get(enum.key, enum.key), ""
    for variable in raw.statics:
        variable.type = rename_keys(variable.type, renamed)


def _assigned(words: list[str]) -> set[str]:
    """Return the names at the root of what is assigned, stepped, or has its address taken."""
    found: set[str] = set()
    for position in [index for index, word in enumerate(words) if word in _WRITES]:
        word, before = words[position], words[position - 1]
        if word in _ASSIGNS:
            found.add(_root(words, position - 1))
        elif word in _STEPS:
            operand = before in {"]", ")"} or before[0].isalnum() or before[0] in "_$"
            found.add(
                _root(words, position - 1) if operand and before != "return" else _name_after(words, position + 1)
            )
        elif before in _BEFORE_ADDRESS:
            found.add(_name_after(words, position + 1))
    return found


def _handed_on(words: list[str]) -> set[str]:
    """Return the words that are used whole: not called, indexed, reached into or measured.

    Of a function or an array, such a use is its address.
    """
    return {
        word
        for first, before, word, behind in zip(["", "", *words], ["", *words], words, [*words[1:], ""], strict=False)
        if behind not in _REACHED and before not in _NOT_A_VALUE and not (before == "(" and first == "sizeof")
    }


def _root(words: list[str], position: int) -> str:
    """Return the first name of the path `a.b[c]->d` that ends at `position`."""
    while position > 0:
        if words[position] == "]":
            depth = 0
            while position > 0:
                depth += (words[position] == "]") - (words[position] == "[")
                position -= 1
                if depth == 0:
                    break
        elif words[position - 1] in (".", "->"):
            position -= 2
        else:
            break
    return words[position]


def _name_after(words: list[str], position: int) -> str:
    while position < len(words) and words[position] in ("(", "*"):
        position += 1
    return words[position] if position < len(words) else ""


def _static_locals(words: list[str], parser: "DeclarationParser", raw: RawBody, types: Fragment) -> None:
    count: dict[str, int] = {}
    for position, word in enumerate(words):
        if word in _AGGREGATES and position + 2 < len(words) and words[position + 2] == "{":
            # A tag declared inside the function, which a static local may use.
            end = _statement_end(words, position + 2, ("}",)) + 1
            found = parser.parse(" ".join(words[position:end]) + " ;", function=False)
            _merge(types, found)
        if word != "static" or position == 0 or words[position - 1] not in ("{", "}", ";", ")", "const", ":", "inline"):
            continue
        begin = position - 1 if words[position - 1] == "const" else position
        end = _statement_end(words, begin, (";",)) + 1
        found = parser.parse(" ".join(words[begin:end]), function=False)
        if found.problem:
            raw.problem = raw.problem or f"static local {' '.join(words[begin : min(end, begin + 8)])}: {found.problem}"
            continue
        _merge(types, found)
        for variable in found.variables:
            variable.ordinal = count.get(variable.name, 0)
            count[variable.name] = variable.ordinal + 1
            raw.statics.append(variable)


def _merge(into: Fragment, found: Fragment) -> None:
    known = {record.key for record in into.records}
    into.records += [record for record in found.records if record.key not in known]
    known = {enum.key for enum in into.enums}
    into.enums += [enum for enum in found.enums if enum.key not in known]


def _statement_end(words: list[str], begin: int, stops: tuple[str, ...]) -> int:
    """Return the index of the first word of `stops` that closes or ends what starts at `begin`."""
    depth = 0
    for position in range(begin, len(words)):
        word = words[position]
        if word in ("(", "[", "{"):
            depth += 1
        elif word in (")", "]", "}"):
            depth -= 1
            if depth == 0 and word in stops:
                return position
        elif depth == 0 and word in stops:
            return position
    return len(words) - 1
