"""The texts of function bodies as the compiler read them, macros expanded: found by the place that a model names.

A model keeps fingerprints of bodies and no texts; who asks what code does with a value needs a few of them.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from patchkit.model.build import RecordedUnit, Recording
from patchkit.model.program import Function
from patchkit.read.source.bodies import fingerprint_text
from patchkit.read.source.request import Resolver, relative_path, text_path
from patchkit.read.source.tokens import TOKEN

# A line marker that enters or leaves a file, or merely names a line.
_MARKER = re.compile(r'^# (\d+) "((?:[^"\\\n]|\\.)*)"[^\n]*\n', re.M)
_BRACE = re.compile(r'"(?:[^"\\\n]|\\.)*"' r"|'(?:[^'\\\n]|\\.)*'" r"|[{}]")
_WORD = re.compile(r"\w+")
_DIRECTIVE = re.compile(r"^[ \t]*#[^\n]*\n?", re.M)


class BodyTexts:
    """The bodies of one recording. Called with functions it returns their tokens, braces included, by key.

    What cannot be found, because a text is gone or the model is of other sources than the recording, is left out.
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._units = {relative_path(u.command.source, recording.root): u for u in recording.units if u.text}
        self._texts: dict[str, str] = {}
        self._lines: dict[str, _Lines] = {}

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
        lines = self._lines.get(unit.text)
        if lines is None:
            resolver = Resolver(self._recording.root, unit.command.directory)
            lines = self._lines[unit.text] = _Lines(self._text(unit), resolver)
        found = {}
        for function in functions:
            # Behind a directive the line of a model may be one too many.
            for line in (function.coord.line, function.coord.line - 1):
                start = lines.offset(function.file, line)
                body = _body(lines.text, start, function.name) if start >= 0 else ()
                if body and fingerprint_text(" ".join(body)) == function.body:
                    found[function.key] = body
                    break
        return found


class _Lines:
    """Where the lines of files are in one preprocessed text, looked up when they are asked for."""

    def __init__(self, text: str, resolver: Resolver) -> None:
        self.text = text
        self._resolver = resolver
        self._stretches: dict[str, list[tuple[int, int, int, int]]] = {}
        self._starts: dict[int, list[int]] = {}  # of the lines of a stretch, by its begin

    def offset(self, file: str, line: int) -> int:
        """Return where `line` of `file` begins, -1 if no stretch has it."""
        if file not in self._stretches:
            self._stretches[file] = list(self._find(file))
        for first, last, begin, end in self._stretches[file]:
            if not first <= line < last:
                continue
            if begin not in self._starts:
                lengths = (len(each) + 1 for each in self.text[begin:end].split("\n"))
                self._starts[begin] = list(accumulate(lengths, initial=begin))
            start = self._starts[begin][line - first]
            if start < end:
                return start
        return -1

    def _find(self, file: str) -> Iterator[tuple[int, int, int, int]]:
        """Yield the stretches of a file: their first line, the line behind them, and where they begin and end."""
        text, name = self.text, f'{file.rsplit("/", 1)[-1]}"'
        at = text.find(name)
        while at >= 0:
            start = text.rfind("\n", 0, at) + 1
            match = _MARKER.match(text, start)
            at = text.find(name, at + 1)
            if match is None or self._resolver.resolve(match.group(2)) != file:
                continue
            follower = _MARKER.search(text, match.end())
            first, begin, end = int(match.group(1)), match.end(), follower.start() if follower else len(text)
            yield first, first + text.count("\n", begin, end) + 1, begin, end


def _body(text: str, start: int, name: str) -> tuple[str, ...]:
    """Return the tokens of the body of the definition that begins at `start`, none if that is not one of `name`."""
    opening = text.find("{", start)
    if opening < 0 or name not in _WORD.findall(text, start, opening):
        return ()
    depth = 0
    for match in _BRACE.finditer(text, opening):
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        if depth == 0:
            return tuple(TOKEN.findall(_DIRECTIVE.sub("", text[opening : match.end()])))
    return ()
