"""What was cut and parsed of a recording, kept beside its texts: headers are scanned and declarations parsed once.

A book holds distinct declarations with their fragments, distinct segments, and the units as lists of segments. A unit
is found by the digest of its text, a stretch of text and a declaration by their own, so nothing in it is ever stale.
It follows from the texts alone and is made again where it is missing, damaged or of another release.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import patchkit
from patchkit.model.build import RecordedUnit, Recording
from patchkit.read.replacing import replace_file, seal, unseal
from patchkit.read.source.classify import Kind
from patchkit.read.source.fragment import Fragment, fragment_from_raw, raw_fragment
from patchkit.read.source.split import Declaration, Segment, Splitter, SplitUnit, text_digest
from patchkit.read.source.tokens import TOKEN

_BOOK = 4  # raise it when the same text is cut or parsed into something else
_MAKER = f"patchkit.book {_BOOK} {patchkit.__version__}"
_KINDS = list(Kind)


@dataclass(slots=True)
class Book:
    """An open book: a splitter that knows what is in it, and the units by `unit_key`.

    `typedefs` are the names of types that its fragments were parsed with. `grown` is set where something is added.
    """

    splitter: Splitter = field(default_factory=Splitter)
    units: dict[str, SplitUnit] = field(default_factory=dict)
    typedefs: frozenset[str] = frozenset()
    grown: bool = False

    def drop_misparsed(self, typedefs: set[str]) -> None:
        """Forget the fragments whose parse may depend on names that are types now and were not, or were."""
        changed = self.typedefs ^ typedefs
        if not changed or not self.typedefs:
            return
        for declaration in self.splitter.declarations:
            fragment = known_fragment(declaration)
            if fragment is None:
                continue
            words = set(TOKEN.findall(declaration.head))
            if fragment.body is not None and fragment.body.parsed:
                words.update(fragment.body.words)
            if not words.isdisjoint(changed):
                declaration.fragment = declaration.raw = None


def known_fragment(declaration: Declaration) -> Fragment | None:
    """Return what is known of a declaration from an earlier parse."""
    if declaration.fragment is None and declaration.raw is not None:
        declaration.fragment = fragment_from_raw(declaration.raw)
    return declaration.fragment


def unit_key(recording: Recording, unit: RecordedUnit) -> str:
    """Return the name of what is cut from a unit's text, whose file names are seen from a root and a directory."""
    return text_digest(unit.text, recording.root, unit.command.directory)


def book_path(recording: Recording) -> Path:
    """Return where the book of a recording is kept."""
    return Path(recording.store) / "cut" / "book.json"


def answers_path(recording: Recording) -> Path:
    """Return where the compilers' answers for a recording are kept."""
    return Path(recording.store) / "cut" / "answers.json"


def open_book(recording: Recording) -> Book:
    """Return the book of a recording, an empty one where there is none that can be used."""
    try:
        return _from_json(json.loads(unseal(book_path(recording).read_bytes(), _MAKER)))
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return Book()


def keep_book(recording: Recording, book: Book, typedefs: set[str]) -> None:
    """Write a book that has grown, without the units that the recording no longer has."""
    if book.grown:
        keys = {unit_key(recording, unit) for unit in recording.units if unit.text}
        data = _Writer(book).to_json(keys, typedefs)
        replace_file(book_path(recording), seal(json.dumps(data, separators=(",", ":")).encode("ascii"), _MAKER))
        whole = sorted(keys.intersection(key for key, unit in book.units.items() if _is_whole(unit)))
        replace_file(_whole_path(recording), seal(json.dumps(whole).encode("ascii"), _MAKER))


def has_whole_stretches(recording: Recording, unit: RecordedUnit) -> bool:
    """Tell whether it is known, without the book, that no declaration of a unit reaches from one file into another."""
    try:
        return unit_key(recording, unit) in json.loads(unseal(_whole_path(recording).read_bytes(), _MAKER))
    except (OSError, ValueError):
        return False


def _whole_path(recording: Recording) -> Path:
    return book_path(recording).with_name("whole.json")


def _is_whole(unit: SplitUnit) -> bool:
    return not unit.unfinished and not any(segment.tail for segment in unit.segments)


class _Writer:
    """Numbers what is worth keeping anew, in the order in which units refer to it."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._declarations: dict[int, int] = {}
        self._segments: dict[int, tuple[int, Segment]] = {}

    def to_json(self, keys: set[str], typedefs: set[str]) -> dict[str, Any]:
        units = {
            key: [
                self._numbers(unit.segments),
                unit.unfinished,
                unit.unfinished_file,
                unit.unfinished_line,
                unit.untold,
            ]
            for key, unit in self._book.units.items()
            if key in keys
        }
        splitter = self._book.splitter
        return {
            "typedefs": sorted(typedefs),
            "units": units,
            "stretches": self._known(splitter.stretches),
            "predefined": self._known(splitter.predefined),
            "segments": [self._segment(segment) for _, segment in list(self._segments.values())],
            "declarations": [_row(splitter.declarations[number]) for number in self._declarations],
        }

    def _numbers(self, segments: list[Segment]) -> list[int]:
        return [self._segments.setdefault(id(s), (len(self._segments), s))[0] for s in segments]

    def _known(self, found: dict[str, list[Segment]]) -> dict[str, list[int]]:
        return {
            digest: self._numbers(segments)
            for digest, segments in found.items()
            if all(id(segment) in self._segments for segment in segments)
        }

    def _segment(self, segment: Segment) -> list[Any]:
        items = []
        for number, line in segment.items:
            items += [self._declarations.setdefault(number, len(self._declarations)), line]
        return [segment.file, segment.system, items, segment.macros, segment.tail, segment.tail_line]


def _row(declaration: Declaration) -> list[Any]:
    kind = None if declaration.kind is None else _KINDS.index(declaration.kind)
    fragment = declaration.raw
    if declaration.fragment is not None:
        fragment = raw_fragment(declaration.fragment)
    return [
        declaration.head,
        declaration.function,
        declaration.identity(),
        kind,
        declaration.name,
        declaration.typedefs,
        fragment,
    ]


def _from_json(data: dict[str, Any]) -> Book:
    splitter = Splitter()
    declarations = [
        Declaration(head, function, None, digest, None if kind is None else _KINDS[kind], name, typedefs, None, raw)
        for head, function, digest, kind, name, typedefs, raw in data["declarations"]
    ]
    segments = [
        Segment(file, system, list(_pairs(items)), [(n, t, line) for n, t, line in macros], tail, tail_line)
        for file, system, items, macros, tail, tail_line in data["segments"]
    ]
    splitter.declarations = declarations
    splitter.by_digest = {declaration.digest: number for number, declaration in enumerate(declarations)}
    splitter.stretches = {key: [segments[n] for n in numbers] for key, numbers in data["stretches"].items()}
    splitter.predefined = {key: [segments[n] for n in numbers] for key, numbers in data["predefined"].items()}
    units = {
        key: SplitUnit([segments[n] for n in numbers], unfinished, file, line, untold)
        for key, (numbers, unfinished, file, line, untold) in data["units"].items()
    }
    return Book(splitter, units, frozenset(data["typedefs"]))


def _pairs(flat: list[int]) -> Iterator[tuple[int, int]]:
    each = iter(flat)
    return zip(each, each, strict=True)
