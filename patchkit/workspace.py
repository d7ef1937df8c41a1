"""The facade: everything that the command line and the terminal interface can do, in terms of what a user names.

Readers and reports are imported by the function that needs them, so that help and short commands start at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from patchkit.config import Config, cache_directory, load_config
from patchkit.errors import IncompleteError, InputError, PatchkitError
from patchkit.report import Format, Options, render

if TYPE_CHECKING:
    from rich.console import Console

    from patchkit.bundle import Made, Manifest
    from patchkit.model.build import Recording
    from patchkit.model.change import Comparison
    from patchkit.model.program import Program
    from patchkit.read.edited import EditedVersion
    from patchkit.transform.code import Fetch
    from patchkit.transform.migration import Migration

__all__ = [
    "Format",
    "Options",
    "Pairing",
    "Reading",
    "Surroundings",
    "bundle",
    "compare",
    "explanation",
    "inspect_bundle",
    "print_comparison",
    "read_pair",
    "read_version",
    "record",
    "render_comparison",
    "save_version",
]

COMMANDS = "compile_commands.json"

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a command runs: its directory and environment, how many processes it may use, and whom it tells.

    `progress(stage, done, total)` hears often, `notice(line)` rarely and only what a user should know.
    """

    directory: Path
    environ: Mapping[str, str]
    jobs: int
    progress: Progress
    notice: Callable[[str], None]

    @property
    def cache(self) -> Path:
        """Where results are kept that can be made again."""
        return cache_directory(self.environ)


@dataclass(frozen=True, slots=True)
class Reading:
    """How versions are read: `build` is a shell command that is run and recorded, `program` the one that is looked at.

    Without them the project's `patchkit.toml` decides, and an existing recording or compile_commands.json is used.
    """

    build: str | None = None
    program: str | None = None


def read_version(spec: str, around: Surroundings, reading: Reading) -> Program:
    """Return the program that `spec` names: a directory, git revision, ELF file, saved model or compile_commands.json.

    Raises PatchkitError for what cannot be found, built or read; what cannot be read in part is in the program's gaps.
    """
    with _opened([spec], around, reading) as (version,):
        return _read(_settled(version, around), around)


def compare(old: str, new: str, around: Surroundings, reading: Reading) -> Comparison:
    """Return what changed from version `old` to version `new`; raises as `read_version` does."""
    from patchkit.read.collector import without_collector

    with without_collector(), _opened([old, new], around, reading) as opened:
        from patchkit.diff import diff_programs

        before, after = _settled_pair(opened[0], opened[1], around)
        if isinstance(before, _Source) and isinstance(after, _Source):
            return diff_programs(*_read_pair(before, after, around))
        return diff_programs(_read(before, around), _read(after, around))


@dataclass(frozen=True, slots=True)
class Pairing:
    """Two versions with what changed between them, and what fetches function bodies of each."""

    old: Program
    new: Program
    comparison: Comparison
    bodies: tuple[Fetch, Fetch]


def read_pair(old: str, new: str, around: Surroundings, reading: Reading) -> Pairing:
    """Return both versions and what changed from `old` to `new`; raises as `read_version` does."""
    from patchkit.diff import diff_programs
    from patchkit.read.collector import without_collector

    with without_collector():
        before, after = (_in_full(_open(spec, around, reading), around) for spec in (old, new))
        if isinstance(before, _Source) and isinstance(after, _Source):
            programs = _read_pair(before, after, around)
        else:
            programs = _read(before, around), _read(after, around)
        return Pairing(*programs, diff_programs(*programs), (_bodies(before), _bodies(after)))


def _bodies(version: _Source | _Finished) -> Fetch:
    """Return what fetches the function bodies of a version; one that is no source has none."""
    from patchkit.read.source.texts import BodyTexts
    from patchkit.transform.code import no_bodies

    return BodyTexts(version.recording) if isinstance(version, _Source) else no_bodies


def record(command: Sequence[str], root: Path, around: Surroundings) -> Recording:
    """Run the build `command` in the directory of `around` and keep below `root` how each source was compiled.

    What was compiled is read at once, so that comparing it later only has to load a model. Raises BuildError where the
    build fails or compiles nothing.
    """
    from patchkit.read.record import record_build

    recording = record_build(
        command,
        root,
        environ=around.environ,
        jobs=around.jobs,
        progress=around.progress,
        directory=around.directory,
    )
    try:
        _read(_Source(recording, str(root), None), around)
    except PatchkitError as problem:
        around.notice(f"recorded, but it cannot be read yet: {problem.message}")
    return recording


def bundle(
    old: str,
    new: str,
    output: Path,
    around: Surroundings,
    reading: Reading,
    *,
    key: Path | None = None,
    sequence: int = 0,
    expires: int | None = None,
    migration: Migration | None = None,
) -> Made:
    """Make the bundle that takes a process from version `old` to `new`; raises as `read_version` does.

    Both must have a recorded build. What cannot be updated is in the result, and nothing is written then.
    """
    from patchkit.bundle import Settings, Version, make_bundle
    from patchkit.diff import diff_programs
    from patchkit.read.collector import without_collector

    with without_collector():
        before, after = (_in_full(_open(spec, around, reading), around) for spec in (old, new))
        if not (isinstance(before, _Source) and isinstance(after, _Source)):
            raise InputError(
                "a bundle is made from recorded builds, not from executables or models",
                hint="name the directories or revisions; record their builds: patchkit record -- make",
            )
        programs = _read_pair(before, after, around)
        comparison = diff_programs(*programs)
        if not comparison.complete:
            raise IncompleteError(
                "a version was read only in part, so nothing about it can be proved (PKR901)",
                hint=f"patchkit diff {old} {new} names what could not be read",
            )
        config = _config(Path(after.recording.root), around)
        settings = Settings(
            around.cache,
            around.jobs,
            around.environ,
            around.progress,
            config.update.may_stay_active,
            config.update.points,
            sequence,
            expires,
            key,
            migration,
        )
        sides = [Version(s.recording, s.program, p) for s, p in zip((before, after), programs, strict=True)]
        return make_bundle(sides[0], sides[1], comparison, output, settings)


def variables_of(spec: str, around: Surroundings, reading: Reading) -> tuple[Program, str, Mapping[str, int]]:
    """Return a version with the build-id of its program and where its variables are, as linked, by their keys.

    Raises as `read_version` does, and InputError for a version without a recorded build.
    """
    from patchkit.bundle import Version, variable_places

    with _opened([spec], around, reading) as (opened,):
        version = _in_full(opened, around)
        if not isinstance(version, _Source):
            raise InputError(
                f"{spec} has no recorded build, by which objects are found in memory",
                hint="name its directory or revision, recorded by `patchkit record -- make`",
            )
        program = _read(version, around)
        return program, *variable_places(Version(version.recording, version.program, program))


def inspect_bundle(path: Path, signers: Path | None = None) -> tuple[Manifest, Mapping[str, int]]:
    """Return the manifest of the bundle at `path` and the sizes of its members; the signature is checked by `signers`.

    Raises InputError for what is no bundle and UntrustedError for one that is not what it says it is.
    """
    from patchkit.bundle import check_signature, read_bundle
    from patchkit.bundle.check import check_payload
    from patchkit.bundle.payload import read_payload

    manifest, members = read_bundle(path)
    check_payload(read_payload(members["payload"]))
    if signers is not None:
        check_signature(path, members, signers)
    return manifest, {name: len(data) for name, data in members.items()}


def save_version(program: Program, path: Path) -> None:
    """Write `program` to `path` as a model that every command takes for a version."""
    from patchkit.model.codec import save_program

    save_program(program, path)


def render_comparison(comparison: Comparison, format: Format, options: Options) -> str:
    """Return the report in `format`, ending in a line feed unless it is empty."""
    return render(comparison, format, options)


def print_comparison(comparison: Comparison, console: Console, options: Options) -> None:
    """Write the text report to a terminal, with colour and as wide as it is."""
    from patchkit.report.text import print_report

    print_report(comparison, console, replace(options, width=console.width))


def explanation(name: str) -> str:
    """Return the page of a rule or a kind of change, by id or name; raises InputError for one that does not exist."""
    from patchkit.explain import explain

    return explain(name)


@dataclass(frozen=True, slots=True)
class _Source:
    """A version that is read from its source: how it was compiled, and which of its programs is looked at."""

    recording: Recording
    label: str
    program: str | None
    edited: EditedVersion | None = None  # what becomes of it where files were edited since it was recorded


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What was recorded of a directory, files of which may have been edited since."""

    recording: Recording


@dataclass(frozen=True, slots=True)
class _Finished:
    """A version that was read, or can be without its source."""

    program: Program


@contextmanager
def _opened(specs: Sequence[str], around: Surroundings, reading: Reading) -> Iterator[list[_Source | _Finished]]:
    """Open versions, and close them when they are done with."""
    versions: list[_Source | _Finished] = []
    try:
        for spec in specs:
            versions.append(_open(spec, around, reading))
        yield versions
    finally:
        for version in versions:
            if isinstance(version, _Source) and version.edited is not None:
                version.edited.close()


def _open(spec: str, around: Surroundings, reading: Reading) -> _Source | _Finished:
    """Find what `spec` names and make it ready to be read: build it, or find how it was built."""
    from patchkit.read import locate

    place = locate.locate(spec, around.directory, around.environ)
    match place:
        case locate.ElfFile(path):
            from patchkit.read.elf import read_elf

            around.progress(f"reading {spec}", 0, 0)
            return _Finished(read_elf(path, label=spec))
        case locate.SavedModel(path):
            from patchkit.model.codec import load_program

            return _Finished(load_program(path, label=spec))
        case locate.CommandsFile(path):
            home = path.parent
            recording: Recording | _Recorded = _recording_of_commands(path, around)
        case locate.Directory(home):
            recording = _recording_of_directory(home, around, reading)
        case locate.Worktree(home):
            recording = _recording_of_worktree(home, around, reading)
        case locate.Revision(home, name):
            recording = _recording_of_revision(home, name, around, reading)
        case _:
            assert_never(place)
    if isinstance(recording, _Recorded):
        return _open_recorded(recording.recording, spec, home, around, reading)
    return _Source(recording, spec, _program(recording, home, around, reading))


def _open_recorded(
    recording: Recording, spec: str, home: Path, around: Surroundings, reading: Reading
) -> _Source | _Finished:
    from patchkit.read.edited import begin_edited, edited_files

    program = _program(recording, home, around, reading)
    files = edited_files(recording)
    if files is not None and files.current:
        return _Source(recording, spec, program)
    edited = begin_edited(recording, files, program, around.environ) if files is not None else None
    if edited is None:
        return _Source(_refreshed(recording, around), spec, program)
    return _Source(recording, spec, program, edited)


def _settled(version: _Source | _Finished, around: Surroundings) -> _Source | _Finished:
    """Return a version whose edits were patched into its model, or else read into its recording."""
    if isinstance(version, _Finished) or version.edited is None:
        return version
    program = version.edited.finish(version.label, around.jobs)
    return _in_full(version, around) if program is None else _Finished(program)


def _settled_pair(
    old: _Source | _Finished, new: _Source | _Finished, around: Surroundings
) -> tuple[_Source | _Finished, _Source | _Finished]:
    """Settle two versions. One without edits is read while the compilers of the other are still at work."""
    if isinstance(old, _Source) and isinstance(new, _Source) and (old.edited is None) != (new.edited is None):
        if old.edited is None:
            return _Finished(_read(old, around)), _settled(new, around)
        other = _Finished(_read(new, around))
        return _settled(old, around), other
    return _settled(old, around), _settled(new, around)


def _in_full(version: _Source | _Finished, around: Surroundings) -> _Source | _Finished:
    """Return a version whose edits were read into its recording."""
    if isinstance(version, _Finished) or version.edited is None:
        return version
    version.edited.close()
    return _Source(_refreshed(version.recording, around), version.label, version.program)


def _read(version: _Source | _Finished, around: Surroundings) -> Program:
    if isinstance(version, _Finished):
        return version.program
    from patchkit.read.source import read_recording

    return read_recording(
        version.recording,
        label=version.label,
        program=version.program,
        jobs=around.jobs,
        progress=around.progress,
    )


def _read_pair(old: _Source, new: _Source, around: Surroundings) -> tuple[Program, Program]:
    from patchkit.read.source import read_pair

    if old.program != new.program:
        return _read(old, around), _read(new, around)
    return read_pair(
        old.recording,
        new.recording,
        labels=(old.label, new.label),
        program=old.program,
        jobs=around.jobs,
        progress=around.progress,
    )


def _recording_of_directory(path: Path, around: Surroundings, reading: Reading) -> Recording | _Recorded:
    if reading.build is not None:
        from patchkit.read.record import record_build

        shell = ("/bin/sh", "-c", reading.build)
        return record_build(shell, path, environ=around.environ, jobs=around.jobs, progress=around.progress)
    if (recorded := _recorded(path, around)) is not None:
        return recorded
    for place in (path, path / "build"):
        if (place / COMMANDS).is_file():
            return _recording_of_commands(place / COMMANDS, around)
    around.notice(f"{path}: no recorded build, so flags are guessed; `patchkit record -- make` there makes it exact")
    from patchkit.read.record import recording_from_directory

    return recording_from_directory(
        path, environ=around.environ, cache=around.cache, jobs=around.jobs, progress=around.progress
    )


def _recording_of_worktree(directory: Path, around: Surroundings, reading: Reading) -> Recording | _Recorded:
    """Use the record of the work tree; without one build a copy, which what was built before cannot disturb."""
    from patchkit.read.locate import snapshot

    if reading.build is None and (recorded := _recorded(directory, around)) is not None:
        return recorded
    if _build(directory, around, reading) is None:
        return _recording_of_directory(directory, around, reading)
    return _recording_of_revision(directory, snapshot(directory, around.environ), around, reading)


def _recorded(path: Path, around: Surroundings) -> _Recorded | None:
    """Return what is recorded at `path`, as it was when it was built."""
    from patchkit.read.record import load_recording

    recorded = load_recording(path, environ=around.environ, jobs=around.jobs, progress=around.progress)
    return None if recorded is None else _Recorded(recorded)


def _refreshed(recording: Recording, around: Surroundings) -> Recording:
    """Return `recording` with what changed since preprocessed anew."""
    from patchkit.read.record import refresh

    return refresh(recording, environ=around.environ, jobs=around.jobs, progress=around.progress)


def _recording_of_commands(path: Path, around: Surroundings) -> Recording:
    from patchkit.read.record import recording_from_commands

    return recording_from_commands(
        path, environ=around.environ, cache=around.cache, jobs=around.jobs, progress=around.progress
    )


def _recording_of_revision(directory: Path, name: str, around: Surroundings, reading: Reading) -> Recording:
    from patchkit.read.record import recording_of_revision

    return recording_of_revision(
        directory,
        name,
        _build(directory, around, reading),
        environ=around.environ,
        cache=around.cache,
        jobs=around.jobs,
        progress=around.progress,
    )


def _build(directory: Path, around: Surroundings, reading: Reading) -> str | None:
    return reading.build or _config(directory, around).build


def _program(recording: Recording, directory: Path, around: Surroundings, reading: Reading) -> str | None:
    """Return the name of the program that is looked at, None for all that was built.

    The settings say nothing about a recording that knows only of sources.
    """
    if reading.program is not None or not recording.programs:
        return reading.program
    config = _config(directory, around)
    if len(config.programs) > 1:
        others = ", ".join(config.programs[1:])
        around.notice(f"looking at {config.programs[0]}; --program picks another of {config.path}: {others}")
    return config.programs[0] if config.programs else None


def _config(directory: Path, around: Surroundings) -> Config:
    """Return the settings of the version in `directory`, else those of the current directory."""
    own = load_config(directory)
    return own if own.path is not None else load_config(around.directory)
