"""How a version was built: the compile commands behind it and what the compiler read."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CompileCommand:
    """One source compiled once.

    `arguments` is the whole command as it ran, response files expanded, compiler first; `directory` where it ran;
    `source` and `output` absolute paths (`output` empty where the command linked at once and left no object).
    """

    directory: str
    arguments: tuple[str, ...]
    source: str
    output: str = ""


@dataclass(frozen=True, slots=True)
class RecordedUnit:
    """A compile command and what its compiler read.

    `text` is the name of the preprocessed text in the recording's store (the text's own digest), empty where it could
    not be made; `problem` then says why.
    """

    command: CompileCommand
    text: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class LinkedProgram:
    """An executable or shared library that the build linked: its path, build-id (hex, may be empty) and the objects'
    sources.
    """

    output: str
    build_id: str
    units: tuple[int, ...]  # indices into Recording.units


@dataclass(frozen=True, slots=True)
class Recording:
    """Everything that was recorded of one build. `root` is the absolute directory that paths are shown relative to.

    `store` is the absolute directory that holds the preprocessed texts. `digests` maps each source path to a digest
    of its content when it was recorded, so that a stale recording can be told.
    """

    root: str
    store: str
    units: tuple[RecordedUnit, ...]
    programs: tuple[LinkedProgram, ...] = ()
    digests: Mapping[str, str] | None = None
    build: tuple[str, ...] = ()  # the command that was recorded
    exact: bool = True  # False: commands were guessed, as for a plain directory
