"""What compilers answered is kept: asked once, and again where it cannot be trusted."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from patchkit.model.build import Recording
from patchkit.model.codec import program_to_json
from patchkit.read.source import read_recording
from tests.support import write_tree
from tests.support.builds import record

TREE = {
    "prog.c": "#include <stddef.h>\nstruct pair { char tag; long value; unsigned low : 3; };\nenum e { ONE = 1, T };\n"
    "#define SIZE (sizeof(struct pair) + T)\n#define STRANGE (sizeof(struct missing))\n"
    "int table[sizeof(struct pair)];\nint main(void) { return table[ONE]; }\n",
    "Makefile": "prog: prog.c\n\t$(CC) -o $@ prog.c\n",
}


def make_compiler(tmp_path: Path) -> Path:
    """Return a compiler that notes each time it is run."""
    compiler = tmp_path / "noting-cc"
    compiler.write_text(f'#!/bin/sh\necho run >> {tmp_path}/runs\nexec cc "$@"\n')
    compiler.chmod(0o755)
    return compiler


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    """A recorded build whose compiler notes each time it is run."""
    root = write_tree(tmp_path / "tree", TREE)
    recording = record(root, "make")
    compiler = str(make_compiler(tmp_path))
    commands = [(unit, unit.command.arguments[1:]) for unit in recording.units]
    units = [replace(u, command=replace(u.command, arguments=(compiler, *more))) for u, more in commands]
    return replace(recording, units=tuple(units))


def read_without_model(recording: Recording) -> tuple[str, int]:
    """Return the program as it is read, and how often the compiler ran for it."""
    shutil.rmtree(Path(recording.store) / "models", ignore_errors=True)
    runs = Path(recording.root).parent / "runs"
    runs.write_text("")
    program = read_recording(recording, label="test")
    return json.dumps(program_to_json(program)), len(runs.read_text().split())


def test_the_same_questions_are_asked_once(recording: Recording) -> None:
    first, runs = read_without_model(recording)
    again, more = read_without_model(recording)
    assert runs > 0
    assert more == 0
    assert again == first


@pytest.mark.parametrize("damage", [b"", b"{}", b"\0" * 100, None])
def test_damaged_answers_are_asked_for_again(recording: Recording, damage: bytes | None) -> None:
    first, _ = read_without_model(recording)
    (kept,) = (Path(recording.store) / "cut").glob("answers*")
    data = kept.read_bytes()
    kept.write_bytes(data[: len(data) // 2] if damage is None else damage)
    again, runs = read_without_model(recording)
    assert runs > 0
    assert again == first
    assert kept.read_bytes() == data


def test_another_compiler_of_that_name_is_asked_anew(recording: Recording) -> None:
    read_without_model(recording)
    compiler = make_compiler(Path(recording.root).parent)
    os.utime(compiler, (1_700_000_000, 1_700_000_000))
    _, runs = read_without_model(recording)
    assert runs > 0
