"""What is to be read of a recorded build."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from patchkit.errors import InputError
from patchkit.model.build import RecordedUnit, Recording

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Request:
    """A version to read. `program` names the one of a build's executables to read, None for all units."""

    recording: Recording
    label: str
    program: str | None = None
    jobs: int = 2


def chosen_units(recording: Recording, program: str | None) -> tuple[int, ...]:
    """Return the indices of the units of one program of a build, or of all."""
    if program is None:
        return tuple(range(len(recording.units)))
    names = []
    for linked in recording.programs:
        name = linked.output.rsplit("/", 1)[-1]
        names.append(name)
        if program in (name, linked.output):
            return linked.units
    raise InputError(
        f"the build of {recording.root} links no program named {program!r}",
        hint=f"it links: {', '.join(sorted(names)) or 'nothing'}",
    )


def text_path(recording: Recording, unit: RecordedUnit) -> Path:
    """Return the file that holds the preprocessed text of a unit."""
    return Path(recording.store) / "texts" / f"{unit.text}.i"


class Resolver:
    """Makes the file names of line markers relative to the root of the program."""

    def __init__(self, root: str, directory: str) -> None:
        self._root = root
        self._directory = directory
        self._known: dict[str, str] = {}

    def resolve(self, name: str) -> str:
        """Return the name to show for the file that a line marker calls `name`."""
        found = self._known.get(name)
        if found is None:
            shown = (
                name
                if not name or name.startswith("<")
                else relative_path(os.path.join(self._directory, name), self._root)
            )
            found = self._known[name] = shown
        return found


def relative_path(path: str, root: str) -> str:
    """Return `path` relative to `root` if it lies below it, else normalised."""
    plain = os.path.normpath(path)
    prefix = root.rstrip("/") + "/"
    return plain[len(prefix) :] if plain.startswith(prefix) else plain
