"""Recording a build: running it, understanding what its processes did, and keeping the result current."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from patchkit.errors import BuildError, InputError
from patchkit.model.build import LinkedProgram, RecordedUnit, Recording
from patchkit.read.record.events import Event, Tool, outermost, read_events
from patchkit.read.record.graph import Graph
from patchkit.read.record.interposer import interposer, recorded_environment
from patchkit.read.record.linked import build_id
from patchkit.read.record.paths import STORE, events_directory, make_store
from patchkit.read.record.preprocess import Progress, preprocess_units
from patchkit.read.record.programs import keep_programs
from patchkit.read.record.replay import add_build
from patchkit.read.record.store import (
    locked,
    prune_texts,
    read_graph,
    read_recording,
    write_graph,
    write_recording,
)


def record_build(
    command: Sequence[str],
    root: Path,
    *,
    environ: Mapping[str, str],
    jobs: int = 2,
    progress: Progress | None = None,
    directory: Path | None = None,
) -> Recording:
    """Run the build `command` in `directory` (`root` where None is given) and return what it compiled and linked.

    The build's output goes to the standard error. What an earlier recording of the same root knows stays, as far as
    this build did not do it again. Raises BuildError where the build fails; the earlier recording is then untouched.
    """
    root = _existing(root)
    store = root / STORE
    make_store(store)
    library = interposer(environ)
    with TemporaryDirectory(prefix="build-", dir=events_directory(store), ignore_cleanup_errors=True) as place:
        events = Path(place)
        status = _run(command, directory or root, recorded_environment(environ, library, events))
        seen = outermost(read_events(events).values())
    if status != 0:
        raise _failed(command, status, seen)
    with locked(store), _pending(store) as earlier:
        recording = _fold([*earlier, *seen], root, tuple(command), jobs=jobs, environ=environ, progress=progress)
    if recording is None:
        raise BuildError(
            f"{' '.join(command)} compiled nothing that was linked or is left as an object",
            hint="clean the build first, so that everything is compiled: make clean",
        )
    return recording


def _existing(root: Path) -> Path:
    if not root.is_dir():
        raise InputError(f"{root} is not a directory", hint="name the directory that holds the program's source")
    return root.resolve()


def _run(command: Sequence[str], directory: Path, environ: Mapping[str, str]) -> int:
    sys.stderr.flush()
    try:
        with subprocess.Popen(list(command), cwd=directory, env=environ, stdout=2) as process:
            return process.wait()
    except FileNotFoundError as error:
        raise BuildError(
            f"{command[0]} was not found", hint="name the build's own command after --: patchkit record -- make -j2"
        ) from error
    except OSError as error:
        raise BuildError(f"cannot run {command[0]}: {error.strerror}") from error


def _failed(command: Sequence[str], status: int, events: Sequence[Event]) -> BuildError:
    how = f"was ended by signal {-status}" if status < 0 else f"failed with exit code {status}"
    hint = "nothing was recorded; mend the build and record it again"
    tools = (Tool.COMPILER, Tool.LAUNCHER, Tool.LINKER, Tool.ARCHIVER)
    last = next((event for event in reversed(events) if event.status and event.tool in tools), None)
    if last is not None:
        hint = f"the last command that failed, in {last.directory}: {' '.join(last.arguments)}"
    return BuildError(f"{' '.join(command)} {how}", hint=hint)


@contextmanager
def _pending(store: Path) -> Iterator[list[Event]]:
    """Give the events that `patchkit cc` left in `store`, but those still under way; afterwards they are removed."""
    directory = events_directory(store)
    events = read_events(directory)
    ended = {name for name, event in events.items() if event.status is not None or not _runs(event.pid)}
    yield [event for event in outermost(events.values()) if event.name in ended]
    for name in ended:
        (directory / name).unlink(missing_ok=True)


def _runs(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")


def _fold(
    events: Sequence[Event],
    root: Path,
    command: tuple[str, ...],
    *,
    jobs: int,
    environ: Mapping[str, str],
    progress: Progress | None,
) -> Recording | None:
    """Add `events` to what is known of the build at `root`; write and return its recording, None for an empty one."""
    store = root / STORE
    old = read_recording(store)
    graph = read_graph(store, str(root))
    add_build(graph, events)
    numbers = graph.counted()
    if not numbers:
        return None
    units = [RecordedUnit(graph.steps[number].command, problem=graph.steps[number].problem) for number in numbers]
    texts, digests = preprocess_units(units, root=str(root), store=store, jobs=jobs, environ=environ, progress=progress)
    recording = Recording(
        root=str(root),
        store=str(store),
        units=texts,
        programs=_programs(graph, numbers),
        digests=digests,
        build=command or (old.build if old is not None else ()),
    )
    write_graph(store, graph)
    write_recording(recording)
    keep_programs(recording)
    prune_texts(store, recording)
    return recording


def _programs(graph: Graph, numbers: Sequence[int]) -> tuple[LinkedProgram, ...]:
    places = {number: place for place, number in enumerate(numbers)}
    return tuple(
        LinkedProgram(path, build_id(Path(path)), tuple(places[number] for number in product.steps))
        for path, product in graph.programs().items()
    )


def fold_pending(root: Path, *, jobs: int, environ: Mapping[str, str], progress: Progress | None) -> None:
    """Add what `patchkit cc` noted since to the recording at `root`."""
    store = root / STORE
    with locked(store), _pending(store) as events:
        if events:
            _fold(events, root, (), jobs=jobs, environ=environ, progress=progress)


def keep_units(
    units: Sequence[RecordedUnit],
    *,
    root: str,
    store: Path,
    jobs: int,
    environ: Mapping[str, str],
    progress: Progress | None,
    exact: bool = True,
) -> Recording:
    """Return the recording of `units` that were told and not watched, with their texts in `store`."""
    make_store(store)
    with locked(store):
        texts, digests = preprocess_units(units, root=root, store=store, jobs=jobs, environ=environ, progress=progress)
        recording = Recording(root=root, store=str(store), units=texts, digests=digests, exact=exact)
        write_recording(recording)
        prune_texts(store, recording)
        return recording


def refresh(
    recording: Recording, *, jobs: int = 2, environ: Mapping[str, str], progress: Progress | None = None
) -> Recording:
    """Return `recording` with the texts made again of units whose source or headers changed since, and keep it."""
    store = Path(recording.store)
    with locked(store):
        units, digests = preprocess_units(
            recording.units, root=recording.root, store=store, jobs=jobs, environ=environ, progress=progress
        )
        if units == recording.units and digests == recording.digests:
            return recording
        current = Recording(
            recording.root,
            recording.store,
            units,
            recording.programs,
            digests,
            recording.build,
            recording.exact,
        )
        write_recording(current)
        return current
