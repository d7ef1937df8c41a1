"""Small programs with their builds, recorded for real."""

import os
from collections.abc import Mapping
from pathlib import Path

from patchkit.model.build import LinkedProgram, RecordedUnit, Recording
from patchkit.read.record import record_build

MAIN = "int helper(void);\nint main(void) { return helper() - 1; }\n"
HELPER = '#include "helper.h"\nint helper(void) { return ANSWER; }\n'
HEADER = "#define ANSWER 1\nint helper(void);\n"

SOURCES: Mapping[str, str] = {"main.c": MAIN, "helper.c": HELPER, "helper.h": HEADER}


def record(root: Path, *command: str, environ: Mapping[str, str] | None = None) -> Recording:
    """Record `command` at `root`; `environ` is added to the environment."""
    return record_build(command, root, environ={**os.environ, **(environ or {})})


def shell(root: Path, script: str) -> Recording:
    """Record a shell script that ends at its first failing command."""
    return record(root, "sh", "-ec", script)


def sources(recording: Recording) -> list[str]:
    """Return the sources of all units, relative to the root, sorted."""
    return sorted(relative(recording, unit.command.source) for unit in recording.units)


def relative(recording: Recording, path: str) -> str:
    """Return `path` relative to the root of `recording`."""
    return os.path.relpath(path, recording.root)


def linked(recording: Recording) -> dict[str, list[str]]:
    """Return each program with the sources behind it, relative to the root."""
    return {
        relative(recording, program.output): [
            relative(recording, recording.units[number].command.source) for number in program.units
        ]
        for program in recording.programs
    }


def program(recording: Recording, name: str) -> LinkedProgram:
    """Return the program whose file has `name`."""
    (found,) = [program for program in recording.programs if os.path.basename(program.output) == name]
    return found


def unit(recording: Recording, source: str) -> RecordedUnit:
    """Return the only unit of `source`."""
    (found,) = [unit for unit in recording.units if relative(recording, unit.command.source) == source]
    return found


def text(recording: Recording, unit: RecordedUnit) -> str:
    """Return the preprocessed text of `unit`."""
    return Path(recording.store, "texts", f"{unit.text}.i").read_text()
