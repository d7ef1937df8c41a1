"""What is to be read of a recorded build."""

from collections.abc import Callable
from dataclasses import dataclass

from patchkit.errors import InputError
from patchkit.model.build import Recording

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
