"""Read small pieces of C as programs."""

import os
from collections.abc import Mapping
from pathlib import Path

from patchkit.model.build import CompileCommand, RecordedUnit, Recording
from patchkit.model.program import Program
from patchkit.read.record import preprocess_units
from patchkit.read.source import read_recording


def record_files(root: Path, files: Mapping[str, str], *flags: str, compiler: str = "gcc") -> Recording:
    """Write `files` and return a recording whose units are those that end in `.c`, each compiled with `flags`."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    commands = [
        CompileCommand(str(root), (compiler, *flags, "-c", name), str(root / name))
        for name in files
        if name.endswith(".c")
    ]
    store = root / ".patchkit"
    (store / "texts").mkdir(parents=True, exist_ok=True)
    units, _ = preprocess_units(
        [RecordedUnit(command) for command in commands], root=str(root), store=store, jobs=1, environ=os.environ
    )
    return Recording(str(root), str(store), units)


def read_files(root: Path, files: Mapping[str, str], *flags: str, compiler: str = "gcc") -> Program:
    """Return the program that `files` are."""
    return read_recording(record_files(root, files, *flags, compiler=compiler), label="test", jobs=1)


def read_c(root: Path, source: str, *flags: str, compiler: str = "gcc") -> Program:
    """Return the program that one file is."""
    return read_files(root, {"a.c": source}, *flags, compiler=compiler)
