"""Reading an edited version from what was cut and parsed before it was edited, and the new texts of a few units."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from patchkit.model.build import Recording
from patchkit.model.program import Program
from patchkit.read.edited.derive import derive_units, header_segments
from patchkit.read.edited.edit import Unpatchable
from patchkit.read.edited.header import HeaderEdit
from patchkit.read.source.book import Book, open_book, unit_key
from patchkit.read.source.frontend import Incomplete
from patchkit.read.source.request import Request, Resolver
from patchkit.read.source.split import SplitUnit
from patchkit.read.source.version import read_version

_MOST_UNITS = 8  # preprocessed for one edit


@dataclass(slots=True)
class Rereading:
    """An edited recording on its way to a program: `old` and `new` are its units before and after the edit."""

    recording: Recording
    book: Book = field(init=False)
    old: dict[int, SplitUnit] = field(init=False)
    new: dict[int, SplitUnit] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.book = open_book(self.recording)
        keys = {number: unit_key(self.recording, unit) for number, unit in enumerate(self.recording.units)}
        self.old = {number: self.book.units[key] for number, key in keys.items() if key in self.book.units}

    def groups(self, edited: Mapping[int, Set[str]], headers: Set[str]) -> list[tuple[frozenset[str], list[int]]]:
        """Return the units `edited`, in each group those that one of them tells of; with the files that were edited.

        Only files of `headers` have texts by which others can be told. Raises Unpatchable where there are too many.
        """
        groups: dict[tuple[object, ...], tuple[frozenset[str], list[int]]] = {}
        for number, files in sorted(edited.items()):
            if number not in self.old:
                raise Unpatchable("a unit was not read before")
            key: tuple[object, ...] = (number,)
            arguments = self.recording.units[number].command.arguments
            # With -imacros a header may be read for its macros alone.
            if files <= headers and not any("-imacros" in word for word in arguments):
                key = (frozenset(files), header_segments(self.old[number], files))
            groups.setdefault(key, (frozenset(files), []))[1].append(number)
        if len(groups) > _MOST_UNITS:
            raise Unpatchable("too many units read the edited files in their own way")
        return list(groups.values())

    def split(self, number: int, text: str) -> None:
        """Take the new text of a unit."""
        resolver = Resolver(self.recording.root, self.recording.units[number].command.directory)
        self.new[number] = self.book.splitter.split(text, resolver.resolve)

    def derive(self, number: int, others: Sequence[int], headers: Mapping[str, HeaderEdit]) -> None:
        """Tell the units `others` by the new text of unit `number`."""
        units = {other: self.old[other] for other in others}
        self.new.update(derive_units(self.old[number], self.new[number], units, headers))

    def read(self, label: str, program: str | None, jobs: int) -> Program:
        """Return the program that the units are now. Raises Unpatchable where the book is not enough for that."""
        units = list(self.recording.units)
        for number in self.new:
            units[number] = replace(units[number], text=f"{units[number].text}, edited")
        edited = replace(self.recording, units=tuple(units))
        for number, unit in self.new.items():
            self.book.units[unit_key(edited, units[number])] = unit
        try:
            return read_version(Request(edited, label, program, jobs), book=self.book)[0]
        except Incomplete:
            raise Unpatchable("the texts of functions are needed that are not kept") from None
