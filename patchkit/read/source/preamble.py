"""Collect the declarations that a question to the compiler needs, out of the unit where it arises.

Declarations of many units go into one generated source as long as they agree; where a name is defined differently, a
further source (a layer) is begun. The order of a unit is kept, so whatever a declaration needs stands before it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain

from patchkit.read.source.fragment import Fragment
from patchkit.read.source.probe import Compiler, Question
from patchkit.read.source.scope import ReadUnit, definitions
from patchkit.read.source.split import Segment

_WORD = re.compile(r"[A-Za-z_$][\w$]*")


@dataclass(slots=True)
class Layer:
    """One source to generate: `texts` in order, then `questions`, whose `tags` say what the answers are for."""

    compiler: Compiler
    texts: list[str] = field(default_factory=list)
    numbers: set[int] = field(default_factory=set)
    defined: dict[str, str] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    tags: list[tuple[object, ...]] = field(default_factory=list)


@dataclass(slots=True)
class _Known:
    words: dict[int, frozenset[str]] = field(default_factory=dict)
    defines: dict[int, dict[str, str]] = field(default_factory=dict)
    segments: dict[int, list[int]] = field(default_factory=dict)
    definers: dict[str, dict[int, None]] = field(default_factory=dict)  # bare name → what defines it somewhere
    orders: dict[int, dict[int, int]] = field(default_factory=dict)
    compilers: dict[int, Compiler] = field(default_factory=dict)


class Preambles:
    """The layers of one version.

    `variables` are declarations of variables by number of the declaration that they stand for, and name. Beside the
    types of declaration n, its variables are known as ~n.
    """

    def __init__(
        self,
        fragments: Mapping[int, Fragment],
        variables: Mapping[int, Mapping[str, str]],
        like: "Preambles | None" = None,
    ) -> None:
        self._fragments = fragments
        self._variables = variables
        self.layers: list[Layer] = []
        # What is found out about fragments and variables holds for another collection of questions about the same.
        self._known: _Known = like._known if like is not None else _Known()

    def add(
        self, unit: ReadUnit, needs: Iterable[int], words: Iterable[str], question: Question, tag: tuple[object, ...]
    ) -> None:
        """Ask `question` in the scope of `unit`, where it needs the declarations `needs` and whatever `words` mean
        there.
        """
        numbers = self._closure(unit, needs, words)
        layer = self._layer(self._compiler(unit), numbers)
        for number in numbers:
            if number not in layer.numbers:
                layer.numbers.add(number)
                fresh = [key for key in self._defined_by(number) if key not in layer.defined]
                if fresh or not self._defined_by(number):
                    layer.texts.append(self._text(number))
                    layer.defined.update(self._defined_by(number))
        layer.questions.append(question)
        layer.tags.append(tag)

    def _compiler(self, unit: ReadUnit) -> Compiler:
        found = self._known.compilers.get(id(unit))
        if found is None:
            found = self._known.compilers[id(unit)] = Compiler.of(unit.command.arguments)
        return found

    def _layer(self, compiler: Compiler, numbers: list[int]) -> Layer:
        for layer in self.layers:
            if layer.compiler == compiler and not any(
                self._clashes(layer, n) for n in numbers if n not in layer.numbers
            ):
                return layer
        self.layers.append(Layer(compiler))
        return self.layers[-1]

    def _clashes(self, layer: Layer, number: int) -> bool:
        mine = self._defined_by(number)
        known = [key for key in mine if key in layer.defined]
        if any(layer.defined[key] != mine[key] for key in known):
            return True
        # Equal tags may not be defined twice either: then all or nothing of a declaration must be new.
        return any(" " in key or key.startswith("=") for key in known) and len(known) < len(mine)

    def _defined_by(self, number: int) -> dict[str, str]:
        found = self._known.defines.get(number)
        if found is None and number < 0:
            found = self._known.defines[number] = {f"&{name}": text for name, text in self._variables[~number].items()}
        elif found is None:
            fragment = self._fragments[number]
            found = dict(definitions(fragment))
            for enum in fragment.enums:
                found.update(dict.fromkeys((f"={name}" for name in enum.constants), enum.text))
            self._known.defines[number] = found
        return found

    def _text(self, number: int) -> str:
        return self._fragments[number].emit if number >= 0 else "\n".join(self._variables[~number].values())

    def words(self, text: str) -> frozenset[str]:
        """Return the identifiers of a piece of C."""
        return frozenset(_WORD.findall(text))

    def _words_of(self, number: int) -> frozenset[str]:
        found = self._known.words.get(number)
        if found is None:
            found = self._known.words[number] = self.words(self._text(number))
        return found

    def _places(self, unit: ReadUnit) -> dict[int, int]:
        """Return the order of the declarations of types and variables in a unit."""
        found = self._known.orders.get(id(unit))
        if found is None:
            numbers = dict.fromkeys(chain.from_iterable(map(self._declared_in, unit.segments)))
            found = self._known.orders[id(unit)] = {number: place for place, number in enumerate(numbers)}
        return found

    def _declared_in(self, segment: Segment) -> list[int]:
        """Return the declarations of types and variables in a segment."""
        found = self._known.segments.get(id(segment))
        if found is None:
            found = self._known.segments[id(segment)] = []
            for number in dict.fromkeys(number for number, _ in segment.items):
                known = [number] if number in self._fragments and self._fragments[number].emit else []
                known += [~number] * (number in self._variables)
                found += known
                for each in known:
                    for key in self._defined_by(each):
                        self._known.definers.setdefault(key.lstrip("=&").rsplit(" ", 1)[-1], {})[each] = None
        return found

    def _closure(self, unit: ReadUnit, needs: Iterable[int], words: Iterable[str]) -> list[int]:
        places, definers = self._places(unit), self._known.definers
        found = {number for number in needs if number in places}
        found.update(number for word in words for number in definers.get(word, ()) if number in places)
        waiting = list(found)
        while waiting:
            for word in self._words_of(waiting.pop()):
                for number in definers.get(word, ()):
                    if number not in found and number in places:
                        found.add(number)
                        waiting.append(number)
        return sorted(found, key=places.__getitem__)
