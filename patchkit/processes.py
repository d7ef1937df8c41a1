"""The facade for running processes: what the command line and the terminal interface can ask of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from patchkit.config import cache_directory
from patchkit.errors import InputError
from patchkit.live import groups
from patchkit.live.attaching import Attached, bring_runtime
from patchkit.live.failure import Ended, LiveError
from patchkit.live.known import Known, has_recording, known_builds
from patchkit.live.manifest import Manifest, read_manifest
from patchkit.live.process import Process, all_processes, find_process, still_there
from patchkit.live.reach import check_reachable
from patchkit.live.ring import ring_of_ended
from patchkit.live.starting import with_runtime
from patchkit.live.updates import Outcome, Phase, Runtime, Status, Wish
from patchkit.runtime import Linking, linking as options_for_linking

__all__ = [
    "Act",
    "Attached",
    "Listed",
    "LiveError",
    "Outcome",
    "Phase",
    "Process",
    "Status",
    "Wish",
    "attach",
    "builds_known",
    "ended_of_itself",
    "environment_with_runtime",
    "events",
    "linking",
    "list_processes",
    "opened_bundle",
    "perform",
    "status",
    "targets",
]

Hear = Callable[[Phase], None]
_GLANCE_SECONDS = 2.0  # for each of many processes that are asked one after the other


class Act(StrEnum):
    """What is asked of a process."""

    REHEARSE = "rehearse"
    APPLY = "apply"
    REVERT = "revert"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True)
class Listed:
    """A process that holds the runtime; without `status` it could not be asked, for the reason in `problem`."""

    process: Process
    status: Status | None
    problem: str = ""


def builds_known(directory: Path, environ: Mapping[str, str], more: Sequence[Path] = ()) -> Known:
    """Return the builds recorded in `directory`, in `more` and in the directories in them, and those of revisions."""
    around = [path for each in (directory, *more) for path in (each, *_folders(each))]
    return known_builds([path for path in around if has_recording(path)], cache_directory(environ))


def _folders(directory: Path) -> list[Path]:
    try:
        return [path for path in sorted(directory.iterdir()) if path.is_dir()]
    except OSError:
        return []


def environment_with_runtime(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` for a program that is to hold the runtime, which is compiled now if it has to be."""
    from patchkit.runtime import library

    return with_runtime(environ, library(cache_directory(environ), environ))


def linking(environ: Mapping[str, str], *, shared: bool) -> Linking:
    """Return what a build needs to link a program with the runtime, which is compiled now if it has to be."""
    return options_for_linking(cache_directory(environ), environ, shared=shared)


def attach(pid: int, known: Known, seconds: float, environ: Mapping[str, str]) -> Attached:
    """Bring the runtime into process `pid`, whose build has to be one of `known`.

    Raises InputError or LiveError where that is not possible; the process goes on as before then.
    """
    return bring_runtime(find_process(pid), known, seconds, cache_directory(environ), environ)


def list_processes() -> tuple[list[Listed], int]:
    """Return the processes that hold the runtime, and how many others could not be looked at."""
    found, hidden = all_processes()
    return [_look(process) for process in found if process.marker is not None], hidden


def _look(process: Process) -> Listed:
    try:
        check_reachable(process)
        with Runtime(process, _GLANCE_SECONDS) as runtime:
            return Listed(process, runtime.status())
    except (LiveError, InputError) as problem:
        return Listed(process, None, problem.message)


def status(pid: int) -> tuple[Process, Status]:
    """Return process `pid` and what it runs. Raises InputError or LiveError where it cannot be asked."""
    process = find_process(pid)
    with Runtime(process) as runtime:
        return process, runtime.status()


def events(pid: int, environ: Mapping[str, str]) -> Sequence[tuple[int, str]]:
    """Return what the runtime of process `pid` did; the process may have ended."""
    try:
        process = find_process(pid)
    except InputError:
        kept = ring_of_ended(pid, environ.get("PATCHKIT_RUN_DIR"))
        if kept is None:
            raise
        return kept
    with Runtime(process) as runtime:
        return runtime.log()


@contextmanager
def opened_bundle(path: Path) -> Iterator[tuple[int, Manifest]]:
    """Give the bundle at `path` as a descriptor, with what it says of itself. Raises InputError for what is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {problem.strerror}") from problem
    try:
        yield descriptor, read_manifest(path, descriptor)
    finally:
        os.close(descriptor)


def targets(pid: int | None, name: str | None, *, tree: bool) -> Iterator[Process]:
    """Give the processes that a command is about: `pid`, with its children where `tree`, or all that run `name`."""
    if name is not None:
        yield from groups.of_name(name)
    elif pid is not None and tree:
        yield from groups.tree(pid)
    elif pid is not None:
        yield find_process(pid)


def perform(
    act: Act, process: Process, bundle: int | None, wish: Wish, hear: Hear, first: Outcome | None = None
) -> Outcome:
    """Ask `process` for `act` and return how it ended. Raises LiveError where it refuses or cannot be asked.

    `first` is how it ended in the first of several processes: the others take back just what that one did.
    """
    with Runtime(process) as runtime:
        match act:
            case Act.REHEARSE:
                assert bundle is not None
                return runtime.rehearse(bundle, wish, hear)
            case Act.APPLY:
                assert bundle is not None
                return runtime.apply(bundle, wish, hear)
            case Act.REVERT:
                return runtime.revert(wish, hear, first)
            case Act.CONFIRM:
                return runtime.confirm()


def ended_of_itself(process: Process, problem: Exception, heard: Sequence[Phase]) -> bool:
    """Whether `problem` is that `process` has ended, and not by what was asked of it; it told the phases `heard`.

    That is so before it stood still, and after that where it ended with exit code 0.
    """
    if still_there(process):
        return False
    return all(phase.name != "quiescing" for phase in heard) or (isinstance(problem, Ended) and problem.status == 0)
