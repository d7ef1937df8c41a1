"""From the preprocessed texts of recordings to fragments: cut, classify, parse each distinct declaration once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from patchkit.model.build import RecordedUnit, Recording
from patchkit.model.program import Coord, Gap
from patchkit.read.source.book import Book, known_fragment, unit_key
from patchkit.read.source.classify import Kind, classify, typedef_names
from patchkit.read.source.fragment import PACK_PREFIX, Fragment
from patchkit.read.source.request import Resolver, relative_path, text_path
from patchkit.read.source.scope import ReadUnit, distinct_segments
from patchkit.read.source.split import Declaration, Segment, SplitUnit


class Frontend:
    """Reads the units of one version: cut, numbered in the order in which they come, classified, parsed.

    A book of what was cut and parsed before changes how long that takes and nothing else.
    """

    def __init__(self, book: Book | None = None) -> None:
        self._book = book if book is not None else Book()
        self.declarations: list[Declaration] = []
        self.fragments: dict[int, Fragment] = {}
        self.prototypes: dict[str, set[int]] = {}  # name → declarations of that function
        self.static_prototypes: dict[str, set[int]] = {}  # name → declarations that make it static
        self.typedefs: set[str] = set()

    def read_units(self, recording: Recording, indices: Iterable[int]) -> tuple[list[ReadUnit], list[Gap]]:
        """Cut the units of a recording; a unit that cannot be read becomes a gap."""
        units, gaps = [], []
        for index in indices:
            recorded = recording.units[index]
            shown = relative_path(recorded.command.source, recording.root)
            try:
                unit = self._cut(recording, recorded)
            except _NoText as problem:
                gaps.append(Gap(Coord(shown), str(problem), "record the build again"))
                continue
            if unit.unfinished.strip():
                begin = " ".join(unit.unfinished.split())[:60]
                gaps.append(
                    Gap(
                        Coord(unit.unfinished_file or shown, unit.unfinished_line),
                        f"a declaration never ends: {begin!r}",
                        f"check the braces before the end of {shown}",
                    )
                )
            units.append(ReadUnit(shown, recorded.command, unit.segments))
        self._number(units)
        self._classify()
        return units, gaps

    def _cut(self, recording: Recording, recorded: RecordedUnit) -> SplitUnit:
        if recorded.problem or not recorded.text:
            raise _NoText(recorded.problem or "it was never preprocessed")
        key = unit_key(recording, recorded)
        found = self._book.units.get(key)
        if found is None:
            try:
                text = text_path(recording, recorded).read_text(encoding="utf-8", errors="surrogateescape")
            except OSError as error:
                raise _NoText(f"its recorded text is gone: {error.strerror}") from None
            resolver = Resolver(recording.root, recorded.command.directory)
            found = self._book.units[key] = self._book.splitter.split(text, resolver.resolve)
            self._book.grown = True
        return found

    def _number(self, units: Sequence[ReadUnit]) -> None:
        """Number the declarations in the order of the units, whatever was cut first."""
        numbers: dict[int, int] = {}
        renumbered: dict[int, Segment] = {}
        pool = self._book.splitter.declarations
        for unit in units:
            for segment in unit.segments:
                if id(segment) in renumbered:
                    continue
                items = [(numbers.setdefault(number, len(numbers)), line) for number, line in segment.items]
                renumbered[id(segment)] = Segment(
                    segment.file, segment.system, items, segment.macros, segment.tail, segment.tail_line
                )
            unit.segments = [renumbered[id(segment)] for segment in unit.segments]
        self.declarations = [pool[number] for number in numbers]

    def _classify(self) -> None:
        for number, declaration in enumerate(self.declarations):
            if declaration.kind is None:
                _classify(declaration)
            self.typedefs.update(declaration.typedefs)
            if declaration.name:
                self.prototypes.setdefault(declaration.name, set()).add(number)
                if declaration.head.startswith("static"):
                    self.static_prototypes.setdefault(declaration.name, set()).add(number)

    def needed(self, units: Sequence[ReadUnit]) -> list[int]:
        """Return the declarations worth parsing: types and variables anywhere, functions outside system headers.

        Variables that are defined elsewhere only matter where a constant expression of the program asks for their size.
        """
        wanted: set[int] = set()
        for segment in distinct_segments(units):
            for number, _ in segment.items:
                kind = self.declarations[number].kind
                if kind in _TYPES or (kind in _CODE and not segment.system):
                    wanted.add(number)
        return sorted(wanted)

    def parse(self, numbers: Sequence[int], partner: "Partner | None" = None) -> None:
        """Fill `fragments` for `numbers`; a partner does its half of what both sides have.

        Raises Incomplete where a body has to be parsed whose text is not at hand.
        """
        self._book.drop_misparsed(self.typedefs)
        todo = {n: d for n in numbers if known_fragment(d := self.declarations[n]) is None}
        if any(declaration.function and declaration.body is None for declaration in todo.values()):
            raise Incomplete
        self._book.grown = self._book.grown or bool(todo)
        if partner is not None:
            mine = {n: d for n, d in todo.items() if int(d.identity()[0], 16) & 1 == partner.side}
            parse_declarations(mine, self.typedefs)
            theirs = partner.exchange({d.identity(): d.fragment for d in mine.values() if d.fragment is not None})
            for declaration in todo.values():
                declaration.fragment = declaration.fragment or theirs.get(declaration.identity())
        parse_declarations({n: d for n, d in todo.items() if d.fragment is None}, self.typedefs)
        for number in numbers:
            declaration = self.declarations[number]
            assert declaration.fragment is not None
            self.fragments[number] = declaration.fragment
            if declaration.kind is Kind.EXTERN:
                declaration.fragment.problem = ""  # then it is not needed, or what needs it fails


_TYPES = (Kind.TYPEDEF, Kind.TYPE, Kind.VARIABLE)
_CODE = (Kind.FUNCTION, Kind.EXTERN)


class Incomplete(Exception):
    """What was kept of an earlier reading is not enough: all has to be read from the texts."""


class _NoText(Exception):
    """A unit has no text; why stands in the message."""


def _classify(declaration: Declaration) -> None:
    head = declaration.head
    declaration.kind, declaration.name = classify(head, declaration.function)
    if head.startswith(PACK_PREFIX):
        head = head.split("\n", 1)[1]
        if classify(head, declaration.function)[0] is Kind.TYPEDEF:
            declaration.typedefs = typedef_names(head)
    elif declaration.kind is Kind.TYPEDEF:
        declaration.typedefs = typedef_names(head)


class Partner(Protocol):
    """Another process that parses the other half of the declarations that both have."""

    side: int

    def exchange(self, fragments: dict[str, Fragment]) -> dict[str, Fragment]:
        """Give this side's fragments by the digest of their text, return the other's."""
        ...


def parse_declarations(work: Mapping[int, Declaration], typedefs: set[str]) -> None:
    """Parse declarations, bodies included; without any, pycparser is not even loaded."""
    if not work:
        return
    from patchkit.read.source.bodies import read_body
    from patchkit.read.source.declarations import DeclarationParser

    parser = DeclarationParser(typedefs)
    for declaration in work.values():
        fragment = parser.parse(declaration.head, function=declaration.function)
        if declaration.body is not None:
            name = fragment.functions[0].name if fragment.functions else ""
            fragment.body, local = read_body(name, declaration.body, parser)
            fragment.records += local.records
            fragment.enums += local.enums
        declaration.fragment = fragment
