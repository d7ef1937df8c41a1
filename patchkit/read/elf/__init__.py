"""Read a program from an executable, shared library or object file with DWARF debug information."""

from pathlib import Path

from patchkit.model.program import Program


def read_elf(path: Path, *, label: str, root: str = "") -> Program:
    """Return the program in the ELF file at `path`.

    Debug information may be DWARF 2 to 5 as gcc and clang write it, compressed, or in a separate file. A unit that
    cannot be read is a Gap; `Program.unseen` lists what debug information does not hold. Paths are shown relative to
    `root`, the absolute directory of the source; without it to the directory that all sources lie under. Raises
    InputError where the file is no ELF file, damaged, stripped, or was built without `-g`. Source: DWARF 5.
    """
    from patchkit.read.elf.reader import read_program  # pyelftools takes 60 ms to load

    return read_program(path, label, root)
