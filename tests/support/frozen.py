"""The C that `patchkit.transform` writes, compiled by every compiler that is here without a warning."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from patchkit.diff.types import Types
from patchkit.model.program import Program
from patchkit.runtime import INCLUDE
from patchkit.transform.headers import Header
from patchkit.transform.migration import Side

COMPILERS = tuple(name for name in ("gcc", "clang") if shutil.which(name))
STRICT = ("-std=gnu11", "-Wall", "-Wextra", "-Wconversion", "-Werror")


def freeze(folder: Path, old: Program, new: Program) -> None:
    """Write `old.h` and `new.h` with every type of two programs to `folder`."""
    for side, program in ((Side.OLD, old), (Side.NEW, new)):
        (folder / f"{side}.h").write_text(header_of(program, side))


def header_of(program: Program, side: Side) -> str:
    """Return the header with every type of a program."""
    header = Header(side, Types(program))
    for key in program.records:
        header.add(key)
    for key in program.enums:
        header.add_enum(key)
    return header.text()


def compile_strictly(folder: Path, name: str, *flags: str, output: str = "") -> list[str]:
    """Compile `folder`/`name` with each compiler and return what they say; with `output`, link `output.COMPILER`."""
    said = []
    for compiler in COMPILERS:
        last: Sequence[str] = ("-o", f"{output}.{compiler}") if output else ("-fsyntax-only",)
        command = (compiler, *STRICT, f"-I{INCLUDE}", *flags, name, *last)
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode or done.stderr:
            said.append(f"{compiler}: {done.stderr}")
    return said
