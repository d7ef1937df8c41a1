"""Machine code as sequences of instructions whose operands are told apart by whether another build may change them.

The text is objdump's, in AT&T syntax. What an instruction does is its `shape`; what is left out of the shape (targets
of jumps and calls, places relative to the instruction, displacements from a register that is not the stack's,
immediates) is in its `variables`, in the order in which they stand.
"""

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from patchkit.errors import ToolError

_LINE = re.compile(r"^ *([0-9a-f]+):\t(.*)$")
_HEADER = re.compile(r"^Disassembly of section (.*):$")
_BRANCH = re.compile(r"^([0-9a-f]+)(?: <([^>]*)>)?$")
_VARIABLE = re.compile(
    r"(?P<memory>(?:%[c-gs]s:)?(?P<disp>-?0x[0-9a-f]+)?\((?P<base>%\w+)?(?P<index>,[^)]*)?\))"
    r"|\$(?P<immediate>-?0x[0-9a-f]+)"
    r"|(?<![\w(,$-])(?:(?P<segment>%[c-gs]s:)|[c-gs]s:)?(?P<absolute>0x[0-9a-f]+)(?![\w(])"
)
_NOTHING = re.compile(r"^(?:(?:data16|cs|ds|es|ss|rex\.W) )*(?:nop[wl]?\b|xchg *%ax,%ax$)")
_PREFIXES = re.compile(r"^(?:\{\w+\} *|addr32 )+")
_STACK = frozenset({"%rsp", "%rbp"})
_JUMPS = re.compile(r"^(?:(?:notrack|bnd) )*(j\w+|call|loop\w*|xbegin)$")


class Role(Enum):
    """What a variable is."""

    BRANCH = "branch"  # the address that a direct jump or call leads to
    PLACE = "place"  # the address of an operand that is relative to the instruction
    OFFSET = "offset"  # the displacement from a register that is not the stack's
    ABSOLUTE = "absolute"  # an address without a register, or an offset in a segment
    IMMEDIATE = "immediate"


@dataclass(frozen=True, slots=True)
class Value:
    """One variable of an instruction; `symbol` is what objdump calls the address."""

    role: Role
    number: int
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction; `start` and `end` are addresses in its section or program, `text` its operands as printed."""

    start: int
    end: int
    operation: str
    shape: str
    text: str
    variables: tuple[Value, ...]

    @property
    def calls(self) -> bool:
        """Whether it is a call, so that its end is a return address."""
        return self.operation.endswith("call")

    @property
    def jumps(self) -> bool:
        """Whether it is a jump, conditional or not."""
        return self.operation.rpartition(" ")[2].startswith(("j", "loop", "xbegin"))

    @property
    def leaves(self) -> bool:
        """Whether the next instruction does not follow it."""
        return self.operation.rpartition(" ")[2] in ("jmp", "ret", "ud2", "hlt")


# Start, end and text of an instruction.
Line = tuple[int, int, str]


def read_code(path: Path) -> Iterator[tuple[str, int, str]]:
    """Yield section, address and text of every instruction of the file at `path`. Raises ToolError without objdump."""
    try:
        process = subprocess.Popen(
            ["objdump", "-dzw", "--no-show-raw-insn", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            errors="replace",
            env={"LC_ALL": "C", "PATH": "/usr/local/bin:/usr/bin:/bin"},
        )
    except OSError as problem:
        raise ToolError(f"objdump cannot be run: {problem.strerror}", hint="install binutils") from problem
    assert process.stdout is not None
    section = ""
    with process.stdout as lines:
        for line in lines:
            match = _LINE.match(line)
            if match is not None:
                yield section, int(match[1], 16), match[2]
            elif (header := _HEADER.match(line)) is not None:
                section = header[1]
    if process.wait() != 0:
        raise ToolError(f"objdump cannot read {path}", hint="install the binutils that belong to the compiler")


def split_code(lines: Iterable[tuple[int, str]], starts: Mapping[int, int]) -> dict[int, list[Line]]:
    """Return the lines of each function; `starts` leads from starts to ends."""
    found: dict[int, list[Line]] = {}
    current: list[Line] = []
    end = last = -1
    text = ""
    for address, following in lines:
        if last >= 0:
            current.append((last, address, text))
            last = -1
        if address in starts:
            current, end = [], starts[address]
            found[address] = current
        if address < end:
            last, text = address, following
    if last >= 0:
        current.append((last, end, text))
    return found


def without_padding(rows: Iterable[Line]) -> list[Line]:
    """Return the lines of one function without those that do nothing."""
    return [row for row in rows if not (("nop" in row[2] or "xchg" in row[2]) and _NOTHING.match(row[2]))]


def is_plain(text: str) -> bool:
    """Whether a line says all that its instruction does: it leads nowhere, unless a relocation says so."""
    return "<" not in text and "(%rip" not in text


def decode(start: int, end: int, line: str) -> Instruction:
    """Decode one line of objdump."""
    text = _PREFIXES.sub("", line.partition(" #")[0].rstrip())
    words = text.split()
    count = 1
    while count < len(words) and words[count - 1] in _PREFIX_WORDS:
        count += 1
    operation = " ".join(words[:count])
    operands = " ".join(words[count:])
    if _JUMPS.match(operation) and (branch := _BRANCH.match(operands)) is not None:
        value = Value(Role.BRANCH, int(branch[1], 16), branch[2] or "")
        return Instruction(start, end, operation, f"{operation} @", operands, (value,))
    values: list[Value] = []
    shape = (
        _VARIABLE.sub(lambda match: _replace(match, end, values), operands)
        if "0x" in operands or "(" in operands
        else operands
    )
    return Instruction(start, end, operation, f"{operation} {shape}", operands, tuple(values))


_PREFIX_WORDS = frozenset(
    {
        "lock",
        "rep",
        "repz",
        "repnz",
        "notrack",
        "bnd",
        "data16",
        "cs",
        "ds",
        "es",
        "fs",
        "gs",
        "ss",
        "rex.W",
        "xacquire",
        "xrelease",
    }
)


def _replace(match: re.Match[str], end: int, values: list[Value]) -> str:
    if match["immediate"] is not None:
        values.append(Value(Role.IMMEDIATE, int(match["immediate"], 16)))
        return "$"
    if match["absolute"] is not None:
        values.append(Value(Role.ABSOLUTE, int(match["absolute"], 16)))
        return f"{match['segment'] or ''}A"
    displacement = int(match["disp"] or "0", 16)
    base = match["base"]
    if base in _STACK:
        return match[0]
    prefix = match[0].partition(":")[0] + ":" if ":" in match[0] else ""
    if base == "%rip":
        values.append(Value(Role.PLACE, end + displacement))
        return f"{prefix}R"
    values.append(Value(Role.OFFSET, displacement))
    return f"{prefix}D({base or ''}{match['index'] or ''})"
