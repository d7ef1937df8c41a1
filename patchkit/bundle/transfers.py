"""Which calls that wait in a function of the old version can go on in its successor, and where there.

A frame that waits at a call is moved by writing another return address into the stack. That is right where both
functions are the same code up to operands that may differ (`matching`): then all that the frame keeps is what the new
code would have kept there. Two compilations of the old function count: the one that was linked, and
the one that a process runs which came to this version by an update.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from patchkit.bundle.executable import Executable
from patchkit.bundle.executable_code import ExecutableCode
from patchkit.bundle.keys import Identity
from patchkit.bundle.linking import Linker
from patchkit.bundle.matching import Match, match_functions
from patchkit.bundle.object_code import ObjectCode
from patchkit.bundle.objects import Home, Program
from patchkit.bundle.pairing import Pairing
from patchkit.bundle.payload import Origin, Transfer
from patchkit.bundle.sides import Function, Side, What, whole_of

_JUMP_TARGET = re.compile(r"(?:\w+ )*j\w+ +([0-9a-f]+) <")
JUMP_SIZE = 5  # bytes

# A function with its symbol, which has more than its name where the compiler made a copy of it.
_Name = tuple[Identity, str]


@dataclass(frozen=True, slots=True)
class Transfers:
    """What was found. `rows` are sorted; `strays` are things of the old version whose address a frame must not hold
    when it is moved; `reasons` say of functions of the old version why their frames cannot be moved; `loops` are those
    that jump back to their own first bytes where an update brought them.
    """

    rows: tuple[Transfer, ...] = ()
    strays: tuple[Identity, ...] = ()
    reasons: Mapping[Identity, str] = field(default_factory=dict)
    loops: frozenset[Identity] = frozenset()


def find_transfers(linker: Linker, executable: Executable, former_objects: Program | None) -> Transfers:
    """Compare all functions. The linking must be done; `former_objects` are the old version's, compiled for an update,
    None where they cannot be had: then only processes that were started as the old version have their frames moved.
    """
    new = ObjectCode(linker.program)
    labelled = frozenset(_labelled(linker.program, new))
    linked = _Comparison(ExecutableCode(executable), new, linker, labelled)
    rows = {(row.key, row.name, row.first, row.last, row.code): row for row in linked.rows(Origin.EXECUTABLE)}
    strays = set(linked.strays)
    loops: frozenset[Identity] = frozenset()
    if former_objects is not None:
        old = ObjectCode(former_objects)
        loops = frozenset(_loops(old))
        updated = _Comparison(old, new, linker, labelled)
        for row in updated.rows(Origin.IMAGE):
            key = row.key, row.name, row.first, row.last, row.code
            origin = rows[key].origin if key in rows else Origin(0)
            rows[key] = Transfer(row.key, row.code, row.first, row.last, row.name, origin | Origin.IMAGE)
        strays |= updated.strays
    return Transfers(
        tuple(sorted(rows.values(), key=lambda row: (row.key, row.first, row.last, row.name, row.origin))),
        tuple(sorted(strays)),
        linked.reasons,
        loops,
    )


def _loops(code: ObjectCode) -> Iterator[Identity]:
    """Functions with a jump to where the jump to their successor would be."""
    for function in code.functions.values():
        for _, _, text in function.lines:
            target = _JUMP_TARGET.match(text)
            if target is not None and 0 < int(target[1], 16) - function.start < JUMP_SIZE:
                yield function.identity
                break


def _labelled(program: Program, code: ObjectCode) -> Iterator[tuple[Identity, str]]:
    """Functions of which data holds the address of a label, which leads back into the code that it is of."""
    for source in program.objects:
        for piece in source.pieces.values():
            if piece.home is Home.TEXT or piece.variable is None:
                continue
            for row in piece.relocations:
                target = code.reference(source, row, row.addend)
                if target.what is What.CODE and target.offset and target.identity is not None:
                    yield target.identity, whole_of(target.symbol)


class _Comparison:
    """One compilation of the old version's functions beside the new version's."""

    def __init__(self, old: Side, new: ObjectCode, linker: Linker, labelled: frozenset[tuple[Identity, str]]) -> None:
        self.old, self.new = old, new
        self.linker = linker
        self.pairing: Pairing = linker.pairing
        self.labelled = labelled
        self.strays: set[Identity] = set()
        self.reasons: dict[Identity, str] = {}
        self._olds, self._news = _wholes(old.functions), _wholes(new.functions)
        self._renamed: dict[tuple[_Name, _Name], Match | None] = {}
        self._old_identities = {identity for identity, _ in self._olds}

    # -- what becomes of things: see `matching.Fate`

    def former(self, identity: Identity) -> Identity:
        """See `Fate.former`."""
        return self.pairing.former.get(identity, identity)

    def stays(self, identity: Identity) -> bool:
        """See `Fate.stays`."""
        return identity in self.linker.adopted or self.linker.former_function(identity) is not None

    def is_renamed(self, old: Function, identity: Identity, symbol: str) -> bool:
        """See `Fate.is_renamed`."""
        if old.identity not in self.pairing.broken or self.former(identity) in self._old_identities:
            return False
        pair = (old.identity, old.symbol), (identity, symbol)
        if pair not in self._renamed:
            self._renamed[pair] = None  # while it is being compared, for functions that call themselves
            if old.symbol[len(old.identity.name) :] == symbol[len(identity.name) :]:
                match = self._match(*pair, strict=True)
                exact = isinstance(match, Match) and not any(match.refused.values()) and not match.strays
                self._renamed[pair] = match if exact and isinstance(match, Match) else None
        return self._renamed[pair] is not None

    def _match(self, old: _Name, new: _Name, *, strict: bool) -> Match | str:
        olds, news = self._olds.get(old), self._news.get(new)
        if olds is None or news is None:
            return "it is gone"
        if new in self.labelled:
            return "the address of one of its labels is kept"
        match = match_functions(self.old, self.new, olds, news, self, strict=strict)
        for part in (*olds.values(), *news.values()):
            part.forget()
        return match

    # -- rows

    def rows(self, origin: Origin) -> Iterator[Transfer]:
        """Yield the rows for all functions."""
        for (identity, symbol), news in self._news.items():
            former = self.former(identity)
            name = former, former.name + symbol[len(identity.name) :]
            if name not in self._olds or any(part.piece is None or part.piece.offset < 0 for part in news.values()):
                continue
            match = self._match(name, (identity, symbol), strict=former in self.pairing.edited)
            if isinstance(match, str):
                self.reasons[former] = match
                continue
            self.strays |= match.strays
            yield from self._ranges(name, (identity, symbol), match, origin)
        for (old, new), renamed in self._renamed.items():
            if renamed is not None:
                yield from self._ranges(old, new, renamed, origin)

    def _ranges(self, old: _Name, new: _Name, match: Match, origin: Origin) -> Iterator[Transfer]:
        for suffix, part in self._news[new].items():
            yield from _ranges(self._olds[old][suffix], part, match, suffix, origin)


def _wholes(functions: Mapping[tuple[Identity, str], Function]) -> dict[tuple[Identity, str], dict[str, Function]]:
    """Functions with their parts, which go by what their symbols have more than the function's."""
    found: dict[tuple[Identity, str], dict[str, Function]] = {}
    for (identity, symbol), function in functions.items():
        whole = whole_of(symbol)
        found.setdefault((identity, whole), {})[symbol[len(whole) :]] = function
    return found


def _ranges(old: Function, new: Function, match: Match, suffix: str, origin: Origin) -> Iterator[Transfer]:
    """Return addresses that keep their distances from each other make one row."""
    assert new.piece is not None
    start = new.piece.offset + new.start
    run: list[tuple[int, int]] = []
    for pair in [*match.calls[suffix], None]:
        refused = pair is None or pair[0] in match.refused[suffix]
        if run and (pair is None or refused or pair[1] - pair[0] != run[0][1] - run[0][0]):
            yield Transfer(old.identity.key, start + run[0][1], run[0][0], run[-1][0], old.symbol, origin)
            run = []
        if pair is not None and not refused:
            run.append(pair)
