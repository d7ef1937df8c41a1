"""The texts of function bodies as the compiler read them, macros expanded: found by the place that a model names.

A model keeps fingerprints of bodies and no texts; who asks what code does with a value needs a few of them.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from patchkit.model.build import RecordedUnit, Recording
from patchkit.model.program import Function
from patchkit.read.source.bodies import fingerprint_text
from patchkit.read.source.request import Resolver, relative_path, text_path
from patchkit.read.source.tokens import TOKEN

# A line marker that enters or leaves a file, or merely names a line.
_MARKER = re.compile(r'^# (\d+) "((?:[^"\\\n]|\\.)*)"[^\n]*\n', re.M)
_BRACE = re.compile(r'"(?:[^"\\\n]|\\.)*"' r"|'(?:[^'\\\n]|\\.)*'" r"|[{}]")
_DIRECTIVE = re.compile(r"^[ \t]*#[^\n]*\n?", re.M)


class BodyTexts:
    """The bodies of one recording. Called with functions it returns their tokens, braces included, by key.

    What cannot be found, because a text is gone or the model is of other sources than the recording, is left out.
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._units = {relative_path(u.command.source, recording.root): u for u in recording.units if u.text}
        self._texts: dict[str, str] = {}

    def __call__(self, functions: Iterable[Function]) -> Mapping[str, tuple[str, ...]]:
        wanted: dict[str, list[Function]] = defaultdict(list)
        for function in functions:
            source = next((each for each in (function.file, *function.units) if each in self._units), "")
            if source:
                wanted[source].append(function)
        found: dict[str, tuple[str, ...]] = {}
        for source, group in wanted.items():
            found.update(self._bodies(self._units[source], group))
        return found

    def _text(self, unit: RecordedUnit) -> str:
        if unit.text not in self._texts:
            try:
                path = text_path(self._recording, unit)
                self._texts[unit.text] = path.read_text(encoding="utf-8", errors="surrogateescape")
            except OSError:
                return ""
        return self._texts[unit.text]

    def _bodies(self, unit: RecordedUnit, functions: list[Function]) -> dict[str, tuple[str, ...]]:
        text = self._text(unit)
        resolver = Resolver(self._recording.root, unit.command.directory)
        stretches = _stretches(text, {function.file for function in functions}, resolver)
        found = {}
        for function in functions:
            # Behind a directive the line of a model may be one too many.
            for line in (function.coord.line, function.coord.line - 1):
                start = _offset(text, stretches.get(function.file, ()), line)
                body = _body(text, start, function.name) if start >= 0 else ()
                if body and fingerprint_text(" ".join(body)) == function.body:
                    found[function.key] = body
                    break
        return found


def _stretches(text: str, files: set[str], resolver: Resolver) -> dict[str, list[tuple[int, int, int]]]:
    """Return the stretches of each of `files`: their first line, and where they begin and end."""
    names = {file.rsplit("/", 1)[-1] for file in files}
    found: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    last: tuple[str, int, int] | None = None
    for match in _MARKER.finditer(text):
        if last is not None:
            found[last[0]].append((last[1], last[2], match.start()))
        spelled = match.group(2)
        own = spelled.rsplit("/", 1)[-1] in names and resolver.resolve(spelled) in files
        last = (resolver.resolve(spelled), int(match.group(1)), match.end()) if own else None
    if last is not None:
        found[last[0]].append((last[1], last[2], len(text)))
    return found


def _offset(text: str, stretches: Iterable[tuple[int, int, int]], line: int) -> int:
    """Return where `line` begins, -1 if no stretch has it."""
    for first, begin, end in stretches:
        if first > line:
            continue
        position, left = begin, line - first
        while left and 0 <= position < end:
            position = text.find("\n", position, end) + 1 or -1
            left -= 1
        if 0 <= position < end:
            return position
    return -1


def _body(text: str, start: int, name: str) -> tuple[str, ...]:
    """Return the tokens of the body of the definition that begins at `start`, none if that is not one of `name`."""
    opening = text.find("{", start)
    if opening < 0 or not re.search(rf"\b{re.escape(name)}\b", text[start:opening]):
        return ()
    depth = 0
    for match in _BRACE.finditer(text, opening):
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        if depth == 0:
            return tuple(TOKEN.findall(_DIRECTIVE.sub("", text[opening : match.end()])))
    return ()
