"""Which object-like macros are constants, and which expression each stands for."""

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from patchkit.model.program import Coord
from patchkit.read.source.split import Segment
from patchkit.read.source.tokens import TOKEN

_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*\Z")
_STRING = re.compile(r'(?:u8|[LuU])?"')
_FLOAT = re.compile(r"(?:0[xX][\da-fA-F.]*[pP]|\d*\.\d|\d+\.|\d+[eE])")
_NUMBER = re.compile(r"\d|\.\d|'|[LuU]'")
_INTEGER = re.compile(r"(0[xX][\da-fA-F]+|0[bB][01]+|\d+)([uUlL]*)\Z")
_TYPE_WORDS = frozenset(
    "char short int long unsigned signed float double void _Bool sizeof _Alignof const struct union enum".split()
)
_NEVER = frozenset({";", "{", "}", "=", "#", "++", "--", "return", "do", "while", "if", "for", "goto"})
_DEPTH = 24
_LONGEST = 200  # tokens


@dataclass(frozen=True, slots=True)
class Constant:
    """A macro that may be a constant: `value` where its text alone tells, else the `expression` to ask the compiler."""

    name: str
    coord: Coord
    text: str
    value: int | str | None
    expression: str = ""
    defines: tuple[str, ...] = ()  # what the expression needs of the preprocessor


def function_macros(segments: Iterable[Segment]) -> dict[str, str]:
    """Return name → parameters and text of macros with parameters, as they stand behind `#define`."""
    return {
        name: f"{name}{text}"
        for segment in segments
        for name, text, _ in segment.macros
        if text is not None and text.startswith("(")
    }


def object_macros(segments: Iterable[Segment]) -> dict[str, dict[str, tuple[str, int]]]:
    """Return name → {text: (file, line)} of object-like macros with a text; two texts in one file make none."""
    found: dict[str, dict[str, tuple[str, int]]] = {}
    moving: set[tuple[str, str]] = set()
    for segment in segments:
        for name, text, line in segment.macros:
            if text is None or text.startswith("(") or not text.strip():
                continue
            texts = found.setdefault(name, {})
            text = text.strip()
            if text not in texts:
                if any(file == segment.file for file, _ in texts.values()):
                    moving.add((name, segment.file))
                texts[text] = (segment.file, line)
    for name, file in moving:
        found[name] = {text: place for text, place in found[name].items() if place[0] != file}
    return found


class Expander:
    """Expands object-like macros in the text of others, and leaves those with parameters to the preprocessor.

    `names` are the identifiers that may stay in a constant expression: enumeration constants, typedefs and tags.
    """

    def __init__(
        self, macros: Mapping[str, Mapping[str, object]], functions: Mapping[str, str], names: Container[str]
    ) -> None:
        self._macros = macros
        self._functions = functions
        self._names = names
        self._tokens: dict[str, list[str]] = {}

    def constant(self, name: str, text: str, coord: Coord) -> Constant | None:
        """Return what `name` stands for if it may be a constant."""
        if (match := _INTEGER.match(text)) and len(match.group(1)) < 10:
            return Constant(name, coord, text, _integer(match.group(1)))
        words = self._expand(text, 0, frozenset({name}))
        if not words or len(words) > _LONGEST:
            return None
        if any(word in self._functions for word in words):
            return self._with_parameters(name, text, coord)
        if all(_STRING.match(word) for word in words):
            return Constant(name, coord, text, " ".join(words))
        bare = [word for word in words if word not in ("(", ")", "-", "+")]
        if len(bare) == 1 and _FLOAT.match(bare[0]):
            return Constant(name, coord, text, "".join(words))
        if not any(_NUMBER.match(word) or word == "sizeof" or word in self._names for word in words):
            return None
        if any(_STRING.match(word) for word in words):
            return None
        if not all(self._may_stay(word) for word in words):
            return None
        return Constant(name, coord, text, None, " ".join(words))

    def _may_stay(self, word: str) -> bool:
        return word not in _NEVER and (not _IDENTIFIER.match(word) or word in _TYPE_WORDS or word in self._names)

    def _with_parameters(self, name: str, text: str, coord: Coord) -> Constant | None:
        """Return a constant that the preprocessor has to expand, with all the definitions that this takes."""
        defines: dict[str, str] = {}
        waiting = [(name, text)]
        while waiting:
            macro, body = waiting.pop()
            if macro in defines or len(defines) > _DEPTH:
                continue
            parameters: list[str] = []
            if macro in self._functions and macro != name:
                head, _, body = self._functions[macro].partition(")")
                parameters = TOKEN.findall(head[len(macro) + 1 :])
                defines[macro] = self._functions[macro]
            else:
                defines[macro] = f"{macro} {body}"
            words = TOKEN.findall(body)
            for place, word in enumerate(words):
                pasted = "#" in words[max(place - 2, 0) : place] or "#" in words[place + 1 : place + 3]
                if word in self._functions or (word in self._macros and word not in self._names):
                    texts = self._macros.get(word)
                    waiting.append((word, next(iter(texts)) if texts else ""))
                elif not (word in parameters or pasted or word == "#" or self._may_stay(word)):
                    return None
        return Constant(name, coord, text, None, name, tuple(defines.values()))

    def _expand(self, text: str, depth: int, active: frozenset[str]) -> list[str] | None:
        words = self._tokens.get(text)
        if words is None:
            words = self._tokens[text] = TOKEN.findall(text)
        if depth > _DEPTH or len(words) > _LONGEST:
            return None
        out: list[str] = []
        for word in words:
            if word in self._macros and word not in active and word not in self._names:
                texts = self._macros[word]
                inner = self._expand(next(iter(texts)), depth + 1, active | {word}) if texts else None
                if inner is None:
                    return None
                out += inner
            else:
                out.append(word)
            if len(out) > _LONGEST:
                return None
        return out


def _integer(text: str) -> int:
    if text[:2] in ("0x", "0X"):
        return int(text, 16)
    if text[:2] in ("0b", "0B"):
        return int(text, 2)
    return (
        int(text, 8) if text[0] == "0" and text != "0" and text.isdecimal() and not set(text) & set("89") else int(text)
    )
