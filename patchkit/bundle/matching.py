"""Whether two functions are the same code but for operands that lead elsewhere, and which calls can go on in the other.

What may differ, and what that means:

- where calls, jumps out of the function and operands that are relative to their place lead. A variable, function or
  constant that corresponds is no difference; an address that the new code takes of something else is one, and so is
  what another function returned;
- displacements from registers that are not the stack's: members that moved with a layout. The value behind is the
  program's state, so it is no difference where the source of the function is the same; where it changed it is one.

A difference may not be kept in a saved register or a stack slot across the call (see `stains`). All else has to be
equal: operations, registers, stack displacements, immediates, jumps within the function and how frames are undone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from patchkit.bundle.instructions import Instruction, Role
from patchkit.bundle.keys import Identity
from patchkit.bundle.object_code import ObjectCode
from patchkit.bundle.sides import Function, Place, Reference, Side, What, whole_of
from patchkit.bundle.stains import Node, stained_calls

_RETURNS_TWICE = frozenset(
    {"setjmp", "_setjmp", "sigsetjmp", "__sigsetjmp", "vfork", "getcontext", "swapcontext", "savectx"}
)


class Fate(Protocol):
    """What becomes of the things that code refers to."""

    def former(self, identity: Identity) -> Identity:
        """Return who a thing of the new version was in the old one."""

    def stays(self, identity: Identity) -> bool:
        """Whether the new version's code uses the old storage, or the old entry, of a thing of its own."""

    def is_renamed(self, old: Function, identity: Identity, symbol: str) -> bool:
        """Whether a function that is gone is the same code as one that is new, down to what they call."""


class _Unlike(Exception):
    """The functions differ in more than operands that may."""


@dataclass(slots=True)
class Match:
    """Two functions that are the same code. `calls` are pairs of return addresses, as offsets into the part with that
    suffix; `refused` the old ones of those that cannot go over. `strays` are who of the old version the old code takes
    the address of, where the new code takes another.
    """

    calls: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    refused: dict[str, set[int]] = field(default_factory=dict)
    strays: set[Identity] = field(default_factory=set)


def match_functions(
    old: Side, new: ObjectCode, olds: Mapping[str, Function], news: Mapping[str, Function], fate: Fate, *, strict: bool
) -> Match | str:
    """Compare a function and its parts, which go by the suffix of their symbols; return why they are not the same code.

    With `strict`, the function's source changed, and a member at another place is another member.
    """
    try:
        return _Matcher(old, new, olds, news, fate, strict).match()
    except _Unlike as reason:
        return str(reason)


class _Matcher:
    def __init__(
        self,
        old: Side,
        new: ObjectCode,
        olds: Mapping[str, Function],
        news: Mapping[str, Function],
        fate: Fate,
        strict: bool,
    ) -> None:
        self.old, self.new = old, new
        self.olds, self.news = olds, news
        self.fate = fate
        self.strict = strict
        self.result = Match()
        self.stains: set[tuple[str, int]] = set()
        self.tables: set[tuple[str, int]] = set()

    def match(self) -> Match:
        if self.olds.keys() != self.news.keys():
            raise _Unlike("the compiler split them up in different ways")
        for suffix, part in self.news.items():
            former = self.olds[suffix]
            if len(former.lines) != len(part.lines):
                raise _Unlike("they have different instructions")
            for number in range(len(part.lines)):
                equal = former.lines[number][2] == part.lines[number][2]
                if not (equal and former.is_plain(number) and part.is_plain(number)):
                    self._instruction(suffix, number, former.instruction(number), part.instruction(number))
            self._frames(suffix, former, part)
        self._refuse_stained()
        return self.result

    def _frames(self, suffix: str, former: Function, part: Function) -> None:
        calls, refused = [], set()
        for number in part.calls():
            one, other = former.instruction(number), part.instruction(number)
            offsets = one.end - former.start, other.end - part.start
            calls.append(offsets)
            frames = [
                each.frame.at(offset - 1) if each.frame is not None else None
                for each, offset in zip((former, part), offsets, strict=True)
            ]
            if frames[0] is None or frames[0] != frames[1]:
                refused.add(offsets[0])
        self.result.calls[suffix], self.result.refused[suffix] = calls, refused

    # -- operands

    def _instruction(self, suffix: str, number: int, one: Instruction, other: Instruction) -> None:
        if one.shape != other.shape:
            raise _Unlike(f"`{one.operation} {one.text}` became `{other.operation} {other.text}`")
        for index, (left, right) in enumerate(zip(one.variables, other.variables, strict=True)):
            reference = self.new.place(self.news[suffix], other, index)
            place = self.old.place(self.olds[suffix], one, index)
            if reference is not None:
                if place is None:
                    raise _Unlike(f"`{one.operation} {one.text}` became `{other.operation} {other.text}`")
                self._reference(suffix, number, place, reference, right.role)
            elif right.role is Role.BRANCH:
                self._jump(suffix, left.number, right.number)
            elif isinstance(place, Reference) or right.role is Role.PLACE:
                raise _Unlike(f"`{other.operation} {other.text}` takes an address of its own code")
            elif left.number != right.number:
                self._number(suffix, number, other, right.role)

    def _jump(self, suffix: str, left: int, right: int) -> None:
        indices = self.olds[suffix].index_of(left), self.news[suffix].index_of(right)
        if indices[0] != indices[1] or indices[0] < 0:
            raise _Unlike("they have different jumps")

    def _number(self, suffix: str, number: int, instruction: Instruction, role: Role) -> None:
        if role is not Role.OFFSET:
            raise _Unlike(f"a number of `{instruction.operation} {instruction.text}` changed")
        if instruction.operation.startswith("lea") or self.strict:
            self.stains.add((suffix, number))

    def _reference(self, suffix: str, number: int, place: Place, reference: Reference, role: Role) -> None:
        instruction = self.news[suffix].instruction(number)
        taken = role is Role.IMMEDIATE or instruction.operation.startswith("lea")
        if reference.what is What.CODE and self._own(reference):
            self._own_code(place, reference, role)
        elif reference.what is What.ANONYMOUS:
            self._anonymous(suffix, number, place, reference, taken=taken)
        else:
            self._named(suffix, number, place, reference, taken=taken, role=role)

    def _own(self, reference: Reference) -> bool:
        known = any(
            (reference.identity, reference.symbol) == (part.identity, part.symbol) for part in self.news.values()
        )
        return known and (reference.offset != 0 or whole_of(reference.symbol) != reference.symbol)

    def _own_code(self, place: Place, reference: Reference, role: Role) -> None:
        if role is not Role.BRANCH:
            raise _Unlike("it takes the address of a label")
        landing = self.new.landing(self.news, reference)
        if landing is None or self.old.landing(self.olds, place) != landing:
            raise _Unlike("they have different jumps")

    def _named(self, suffix: str, number: int, place: Place, reference: Reference, *, taken: bool, role: Role) -> None:
        if reference.what is What.IMPORT and reference.symbol in _RETURNS_TWICE:
            raise _Unlike(f"it calls {reference.symbol}, which may return a second time")
        former = self.fate.former(reference.identity) if reference.identity is not None else None
        offset = self.old.leads_to(place, reference, former)
        if offset is None and role is Role.BRANCH and reference.what is What.CODE and reference.identity is not None:
            gone = self.old.function_at(place)
            if gone is not None and self.fate.is_renamed(gone, reference.identity, reference.symbol):
                offset = 0
        if offset is None:
            self.stains.add((suffix, number))
            return
        if role is Role.BRANCH or reference.identity is None:
            if offset != reference.offset:
                self.stains.add((suffix, number))
            return
        stays = self.fate.stays(reference.identity)
        if not stays and former is not None and reference.what is not What.THREAD:
            self.result.strays.add(former)
        if reference.what is What.CODE:
            if reference.offset:
                raise _Unlike("it takes the address of a label of another function")
            if not stays:
                self.stains.add((suffix, number))
        elif offset != reference.offset and (self.strict or (taken and stays)):
            self.stains.add((suffix, number))

    # -- what has no name

    def _anonymous(self, suffix: str, number: int, place: Place, reference: Reference, *, taken: bool) -> None:
        piece = reference.piece
        if piece is None:
            raise _Unlike("it refers to something that cannot be told")
        for stride in (4, 8):
            targets = self.new.table(reference, stride, 0)
            if targets:
                self._table(targets, self.old.table(place, stride, len(targets)))
                if taken:
                    self.stains.add((suffix, number))
                return
        if ".str" in piece.section and taken:
            text = self.new.text(reference, piece.size)
            if text is None or self.old.text(place, len(text) + 1) != text:
                self.stains.add((suffix, number))
            return
        size = _entry_size(piece.section) or piece.size - reference.offset
        content = self.new.content(reference, size)
        if (
            content is None
            or self.old.content(place, size) != content
            or any(row.offset >= reference.offset for row in piece.relocations)
        ):
            raise _Unlike(f"a constant of {piece.section} differs")
        if taken:
            self.stains.add((suffix, number))

    def _table(self, targets: list[Place], formers: list[Place]) -> None:
        if len(targets) != len(formers):
            raise _Unlike("they have different tables of jumps")
        for target, former in zip(targets, formers, strict=True):
            landing = self.new.landing(self.news, target)
            if landing is None or landing != self.old.landing(self.olds, former):
                raise _Unlike("they have different tables of jumps")
            self.tables.add(landing)

    # -- what is kept across calls

    def _refuse_stained(self) -> None:
        if not self.stains:
            return
        nodes = [Node(part, number) for part in self.news.values() for number in range(len(part.lines))]
        at = {(suffix, number): 0 for suffix, part in self.news.items() for number in range(len(part.lines))}
        for index, key in enumerate(at):
            at[key] = index
        keys = list(at)
        following = {
            index: [at[key] for key in self._following(*keys[index]) if key in at] for index in range(len(nodes))
        }
        stained = frozenset(at[key] for key in self.stains)
        # The result of a call that waits is the old function's: where the new code calls another, it expects another's.
        own = frozenset(index for index in stained if nodes[index].instruction.calls)
        for index in stained_calls(nodes, following, stained) | own:
            suffix, number = keys[index]
            former = self.olds[suffix]
            self.result.refused[suffix].add(former.instruction(number).end - former.start)

    def _following(self, suffix: str, number: int) -> Iterator[tuple[str, int]]:
        part = self.news[suffix]
        instruction = part.instruction(number)
        if not instruction.leaves:
            yield suffix, number + 1
        if not instruction.jumps:
            return
        if not instruction.variables or instruction.variables[0].role is not Role.BRANCH:
            yield from self.tables
            return
        reference = self.new.place(part, instruction, 0)
        if reference is None:
            yield suffix, part.index_of(instruction.variables[0].number)
        elif (landing := self.new.landing(self.news, reference)) is not None:
            yield landing


def _entry_size(section: str) -> int:
    """The size of the constants in a section in which a linker may merge equal ones, 0 for another section."""
    name, _, digits = section.rpartition(".cst")
    return int(digits) if name and digits.isdigit() else 0
