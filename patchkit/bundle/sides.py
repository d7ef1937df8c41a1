"""The code of one version, and what its instructions refer to.

`executable_code` reads it from a linked program, `object_code` from the objects of a version.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from patchkit.bundle.elf import Relocation
from patchkit.bundle.frames import Description
from patchkit.bundle.instructions import Instruction, Line, Role, Value, decode, is_plain
from patchkit.bundle.keys import Identity
from patchkit.bundle.objects import Piece

_PART = re.compile(r"\.cold(?:\.\d+)?$")


class What(Enum):
    """What an operand refers to."""

    CODE = "code"
    DATA = "data"
    IMPORT = "import"
    THREAD = "thread"
    ANONYMOUS = "anonymous"  # constants without a name


@dataclass(frozen=True, slots=True)
class Reference:
    """Where an operand of an object's code leads: `offset` bytes into what is named, or into `piece`."""

    what: What
    identity: Identity | None
    symbol: str
    offset: int
    piece: Piece | None = None


# Where an operand leads: in an object what its relocation says, in a linked program an address with objdump's name.
Place = Reference | Value


@dataclass(eq=False, slots=True)
class Function:
    """The code that one symbol covers; `start` is where its section or program has it, `piece` the section."""

    identity: Identity
    symbol: str
    start: int
    size: int
    lines: list[Line]
    bind: Callable[[Instruction], Instruction]  # to the form that the linker would have given it
    frame: Description | None
    piece: Piece | None = None
    relocations: Mapping[int, tuple[Relocation, ...]] = field(default_factory=dict)  # by start of the instruction
    _decoded: dict[int, Instruction] = field(default_factory=dict)

    def index_of(self, address: int) -> int:
        """Return the number of the instruction that runs next at `address`, -1 where that is none of them."""
        inside = self.start <= address < self.start + self.size
        return bisect_left(self.lines, address, key=lambda line: line[0]) if inside else -1

    def instruction(self, number: int) -> Instruction:
        """Return one of its instructions."""
        found = self._decoded.get(number)
        if found is None:
            found = self._decoded[number] = self.bind(decode(*self.lines[number]))
        return found

    def is_plain(self, number: int) -> bool:
        """Whether the text of an instruction says all that it does."""
        start, _, text = self.lines[number]
        return is_plain(text) and start not in self.relocations

    def calls(self) -> Iterator[int]:
        """Yield the numbers of all calls."""
        for number, (_, _, text) in enumerate(self.lines):
            if "call" in text and self.instruction(number).calls:
                yield number

    def forget(self) -> None:
        """Let what was decoded go."""
        self._decoded.clear()

    @property
    def whole(self) -> str:
        """The symbol of the function, of which this is it or a part that was split off."""
        return whole_of(self.symbol)


def whole_of(symbol: str) -> str:
    """Return `symbol` without what marks a part that the function jumps to and back from."""
    return _PART.sub("", symbol)


class Side(Protocol):
    """The old version's code: `ExecutableCode` or `ObjectCode`."""

    @property
    def functions(self) -> Mapping[tuple[Identity, str], Function]:
        """All functions and their parts, by identity and symbol."""

    def place(self, function: Function, instruction: Instruction, number: int) -> Place | None:
        """Return where an operand leads."""

    def leads_to(self, place: Place, like: Reference, former: Identity | None) -> int | None:
        """Return how far into a named thing `place` is."""

    def content(self, place: Place, size: int) -> bytes | None:
        """Return bytes of a constant."""

    def text(self, place: Place, most: int) -> bytes | None:
        """Return a literal."""

    def table(self, place: Place, stride: int, count: int) -> list[Place]:
        """Return where a table of jumps leads."""

    def landing(self, parts: Mapping[str, Function], place: Place) -> tuple[str, int] | None:
        """Return which instruction a place is."""

    def function_at(self, place: Place) -> Function | None:
        """Return the function that starts at a place."""


def without_got(instruction: Instruction, symbol: str) -> Instruction:
    """Return a load from the GOT as the taking of an address, and a call or jump through it as a direct one."""
    operation, shape = instruction.operation, instruction.shape
    if operation == "mov" and shape.startswith("mov R,%"):
        value = Value(Role.PLACE, instruction.variables[0].number, symbol)
        return Instruction(instruction.start, instruction.end, "lea", "lea" + shape[3:], instruction.text, (value,))
    if shape == f"{operation} *R":
        value = Value(Role.BRANCH, instruction.variables[0].number, symbol)
        return Instruction(instruction.start, instruction.end, operation, f"{operation} @", instruction.text, (value,))
    return instruction


def renamed(like: Reference, former: Identity) -> str:
    """Return the symbol of the old version that a symbol of the new one, whose function was `former`, answers to."""
    return former.name + like.symbol[len(like.identity.name) :] if like.identity is not None else like.symbol
