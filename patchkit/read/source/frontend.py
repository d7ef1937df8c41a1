"""From the preprocessed texts of recordings to fragments: cut, classify, parse each distinct declaration once."""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from patchkit.model.build import RecordedUnit, Recording
from patchkit.model.program import Coord, Gap
from patchkit.read.source.bodies import read_body
from patchkit.read.source.classify import Kind, classify, typedef_names
from patchkit.read.source.declarations import DeclarationParser
from patchkit.read.source.fragment import Fragment
from patchkit.read.source.scope import ReadUnit
from patchkit.read.source.split import Declaration, Splitter


class Frontend:
    """Reads units of any number of versions; equal declarations of different versions share one number."""

    def __init__(self) -> None:
        self.splitter = Splitter()
        self.fragments: dict[int, Fragment] = {}
        self.prototypes: dict[str, set[int]] = {}  # name → declarations of that function
        self.static_prototypes: dict[str, set[int]] = {}  # name → declarations that make it static
        self._kinds: list[Kind] = []
        self._typedefs: set[str] = set()

    def read_units(self, recording: Recording, indices: Iterable[int]) -> tuple[list[ReadUnit], list[Gap]]:
        """Cut the units of a recording; a unit that cannot be read becomes a gap."""
        units, gaps = [], []
        for index in indices:
            recorded = recording.units[index]
            shown = relative_path(recorded.command.source, recording.root)
            if recorded.problem or not recorded.text:
                gaps.append(
                    Gap(Coord(shown), recorded.problem or "it was never preprocessed", "record the build again")
                )
                continue
            try:
                text = text_path(recording, recorded).read_text(encoding="utf-8", errors="surrogateescape")
            except OSError as error:
                gaps.append(Gap(Coord(shown), f"its recorded text is gone: {error.strerror}", "record the build again"))
                continue
            resolver = _Resolver(recording.root, recorded.command.directory)
            unit = self.splitter.split(text, resolver.resolve)
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
        self._classify()
        return units, gaps

    def _classify(self) -> None:
        for number in range(len(self._kinds), len(self.splitter.declarations)):
            declaration = self.splitter.declarations[number]
            kind, name = classify(declaration.head, declaration.body is not None)
            self._kinds.append(kind)
            if kind is Kind.TYPEDEF:
                self._typedefs.update(typedef_names(declaration.head))
            elif name:
                self.prototypes.setdefault(name, set()).add(number)
                if declaration.head.startswith("static"):
                    self.static_prototypes.setdefault(name, set()).add(number)

    def needed(self, units: Iterable[ReadUnit]) -> list[int]:
        """Return the declarations worth parsing: types and variables anywhere, functions outside system headers.

        Variables that are defined elsewhere only matter where a constant expression of the program asks for their size.
        """
        wanted: set[int] = set()
        seen: set[int] = set()
        for unit in units:
            for segment in unit.segments:
                if id(segment) in seen:
                    continue
                seen.add(id(segment))
                for number, _ in segment.items:
                    kind = self._kinds[number]
                    if kind in (Kind.TYPEDEF, Kind.TYPE, Kind.VARIABLE) or (
                        kind in (Kind.FUNCTION, Kind.EXTERN) and not segment.system
                    ):
                        wanted.add(number)
        return sorted(wanted)

    def parse(self, numbers: Sequence[int], partner: "Partner | None" = None) -> None:
        """Fill `fragments` for declarations that are not there yet; a partner does its half of what both sides have."""
        missing = {number: self.splitter.declarations[number] for number in numbers if number not in self.fragments}
        if partner is not None:
            digests = {number: _digest(declaration) for number, declaration in missing.items()}
            mine = {n: d for n, d in missing.items() if digests[n][0] & 1 == partner.side}
            parsed = parse_declarations(mine, self._typedefs)
            theirs = partner.exchange({digests[number]: fragment for number, fragment in parsed.items()})
            self.fragments.update(parsed)
            self.fragments.update({n: theirs[digests[n]] for n in missing if n not in parsed and digests[n] in theirs})
            missing = {n: d for n, d in missing.items() if n not in self.fragments}
        self.fragments.update(parse_declarations(missing, self._typedefs))
        for number in numbers:
            if self._kinds[number] is Kind.EXTERN:
                self.fragments[number].problem = ""  # then it is not needed, or what needs it fails


class Partner(Protocol):
    """Another process that parses the other half of the declarations that both have."""

    side: int

    def exchange(self, fragments: dict[bytes, Fragment]) -> dict[bytes, Fragment]:
        """Give this side's fragments by the digest of their text, return the other's."""
        ...


def _digest(declaration: Declaration) -> bytes:
    text = f"{declaration.head}\0{declaration.body or ''}"
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=12).digest()


def parse_declarations(work: Mapping[int, Declaration], typedefs: set[str]) -> dict[int, Fragment]:
    """Parse numbered declarations, bodies included."""
    parser = DeclarationParser(typedefs)
    found = {}
    for number, declaration in work.items():
        fragment = parser.parse(declaration.head, function=declaration.body is not None)
        if declaration.body is not None:
            name = fragment.functions[0].name if fragment.functions else ""
            fragment.body, local = read_body(name, declaration.body, parser)
            fragment.records += local.records
            fragment.enums += local.enums
        found[number] = fragment
    return found


def text_path(recording: Recording, unit: RecordedUnit) -> Path:
    """Return the file that holds the preprocessed text of a unit."""
    return Path(recording.store) / "texts" / f"{unit.text}.i"


class _Resolver:
    """Makes the file names of line markers relative to the root of the program."""

    def __init__(self, root: str, directory: str) -> None:
        self._root = root
        self._directory = directory
        self._known: dict[str, str] = {}

    def resolve(self, name: str) -> str:
        found = self._known.get(name)
        if found is None:
            shown = (
                name
                if not name or name.startswith("<")
                else relative_path(os.path.join(self._directory, name), self._root)
            )
            found = self._known[name] = shown
        return found


def relative_path(path: str, root: str) -> str:
    """Return `path` relative to `root` if it lies below it, else normalised."""
    plain = os.path.normpath(path)
    prefix = root.rstrip("/") + "/"
    return plain[len(prefix) :] if plain.startswith(prefix) else plain
