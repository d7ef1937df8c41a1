"""Which sources have code or data in a file: those without debug information must not go unnoticed."""

import posixpath
import re
import struct
from collections import Counter
from collections.abc import Iterable, Sequence

from patchkit.model.program import Coord, Gap
from patchkit.read.elf.sections import Section, SectionReader

_OBJECT, _FUNCTION, _FILE, _THREAD_LOCAL = 1, 2, 4, 6  # STT_…
_LONGEST = 1000
_SHOWN = 4
# What compilers and C libraries link in, which distributions build without debug information.
_NOT_THE_PROGRAMS = re.compile(
    r"(crtstuff|libgcc2|unwind-.*|emutls|cpuinfo|init|elf-init|abi-note|static-reloc|atexit|at_quick_exit|pthread_atfork"
    r"|stat|fstat|lstat|fstatat|mknod|mknodat)\.c"
)
_STATIC_LIBRARY = "libc-start.c"  # then the C library is part of the program, and tells nothing of itself


def sources_with_code(reader: SectionReader, table: Section) -> tuple[str, ...]:
    """Return the base names of the C files that have functions or objects of their own in the symbol table `table`.

    A file is seen by what is local to it. Source: ELF gABI, "Symbol Table": local symbols follow that of their file.
    """
    if table.link >= len(reader.sections):
        return ()
    order = "<" if reader.little else ">"
    entry = struct.Struct(order + ("IBxH8xQ" if reader.wide else "I4xIBxH"))
    data = reader.content(table)
    names = reader.content(reader.sections[table.link])
    found: list[str] = []
    file = ""
    for fields in entry.iter_unpack(data[: len(data) // entry.size * entry.size]):
        name, information, section, size = fields if reader.wide else (fields[0], fields[2], fields[3], fields[1])
        if information >> 4:
            break  # local symbols come first
        kind = information & 15
        if kind == _FILE:
            end = names.find(b"\0", name, name + _LONGEST)
            file = posixpath.basename(names[name:end].decode("utf-8", "replace")) if end > name else ""
        elif kind in (_OBJECT, _FUNCTION, _THREAD_LOCAL) and size and section and file.endswith(".c"):
            found.append(file)
            file = ""  # once is enough
    return tuple(found)


def uncovered(path: str, present: Sequence[str], described: Iterable[str], hint: str) -> list[Gap]:
    """Return a gap for the sources in `present` that are none of those `described` by debug information."""
    if _STATIC_LIBRARY in present:
        return []
    missing = Counter(name for name in present if not _NOT_THE_PROGRAMS.fullmatch(name))
    missing -= Counter(posixpath.basename(source) for source in described)
    names = sorted(missing.elements())
    if not names:
        return []
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    return [Gap(Coord(path), f"it has code without debug information, from {shown}", hint)]
