"""What the machine code of a program jumps to and mentions, from objdump, which comes with every compiler."""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from patchkit.errors import ToolError

_LINE = re.compile(r"^ *([0-9a-f]+):\t(\S+) *(.*)$")
_TARGET = re.compile(r"^(?:\*?)([0-9a-f]+) <")
_COMMENT = re.compile(r"# ([0-9a-f]+)(?: <|$)")
_NUMBER = re.compile(r"\$0x([0-9a-f]{4,16})\b|(?<![\w(])0x([0-9a-f]{4,16})(?=[(,]|$)")


@dataclass(slots=True)
class Code:
    """What was found: addresses that jumps (not calls) lead to, and those that the function at each start mentions."""

    jumps: set[int] = field(default_factory=set)
    mentions: dict[int, set[int]] = field(default_factory=dict)


def disassemble(path: Path, starts: Iterable[int]) -> Code:
    """Read the code of the program at `path`, which has functions at `starts`. Raises ToolError without objdump."""
    try:
        process = subprocess.Popen(
            ["objdump", "-d", "--no-show-raw-insn", "-w", str(path)],
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
    with process.stdout as lines:
        code = _read(lines, frozenset(starts))
    if process.wait() != 0:
        raise ToolError(f"objdump cannot read {path}", hint="install the binutils that belong to the compiler")
    return code


def _read(lines: Iterable[str], starts: frozenset[int]) -> Code:
    code = Code()
    mentions: set[int] = set()
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            continue
        address, operation, operands = int(match[1], 16), match[2], match[3]
        if address in starts:
            mentions = code.mentions.setdefault(address, set())
        target = _TARGET.match(operands)
        if target is not None:
            place = int(target[1], 16)
            mentions.add(place)
            if operation.startswith("j"):
                code.jumps.add(place)
            continue
        comment = _COMMENT.search(operands)
        if comment is not None:
            mentions.add(int(comment[1], 16))
        elif "0x" in operands:
            mentions.update(int(one or other, 16) for one, other in _NUMBER.findall(operands))
    return code
