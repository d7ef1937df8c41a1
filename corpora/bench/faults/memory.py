"""Has an allocation fail in a process whose runtime was built with PK_FAULTS: the count is written into its memory.

A limit of the kernel's, such as RLIMIT_AS, cannot hit a certain allocation and no other, and hits the program as well.
An ordinary build has neither the counter nor a branch for it, and nothing that a process is told can bring it back.
"""

import os
import struct
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

COUNTER = "pk__fail_allocation"
MOST = 0xFFFF_FFFF


class Allocations:
    """The countdown in one process; 0 means that none fails."""

    def __init__(self, pid: int, library: Path) -> None:
        self._memory = Path(f"/proc/{pid}/mem")
        self._place = _base(pid, library) + _offset(library)

    def fail(self, number: int) -> None:
        """Let the `number`-th allocation from now on fail; 0: none."""
        descriptor = os.open(self._memory, os.O_WRONLY)
        try:
            os.pwrite(descriptor, struct.pack("<I", number), self._place)
        finally:
            os.close(descriptor)

    def left(self) -> int:
        """Return what is left of the count: 0 after the one that failed."""
        descriptor = os.open(self._memory, os.O_RDONLY)
        try:
            (count,) = struct.unpack("<I", os.pread(descriptor, 4, self._place))
        finally:
            os.close(descriptor)
        return int(count)


def _offset(library: Path) -> int:
    with library.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        found = table.get_symbol_by_name(COUNTER)
        assert found, f"{library} was built without PK_FAULTS"
        return int(found[0]["st_value"])


def _base(pid: int, library: Path) -> int:
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        if line.endswith(str(library)):
            return int(line.split("-")[0], 16)
    raise AssertionError(f"process {pid} does not hold {library}")
