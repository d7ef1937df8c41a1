"""What the processes of a build wrote down about themselves, as values in the order in which they started."""

import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Tool(StrEnum):
    """What kind of program a process ran; the words are those that interpose.c writes."""

    COMPILER = "compiler"
    LAUNCHER = "launcher"  # a compiler cache or a distributor, its compiler in the arguments or in its own name
    ARCHIVER = "archiver"
    LINKER = "linker"
    ASSEMBLER = "assembler"
    OBJCOPY = "objcopy"
    STRIP = "strip"
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class Event:
    """One process of a build. `arguments` have their response files expanded; `status` is None where none was seen."""

    name: str  # of its file
    tool: Tool
    pid: int
    parent: int
    start: int  # nanoseconds since 1970
    executable: str
    directory: str
    arguments: tuple[str, ...]
    status: int | None
    end: int  # nanoseconds since 1970, meaningful where there is a status
    include_path: str = ""  # $CPATH
    system_include_path: str = ""  # $C_INCLUDE_PATH

    def path(self, name: str) -> str:
        """Return `name` as the process saw it, absolute."""
        return os.path.normpath(os.path.join(self.directory, name))


def read_events(directory: Path) -> dict[str, Event]:
    """Return every event in `directory` by the name of its file."""
    events = {}
    for path in directory.iterdir() if directory.is_dir() else ():
        try:
            event = _parse_event(path.name, path.read_bytes(), path.stat().st_mtime_ns)
        except (OSError, ValueError, IndexError):  # gone meanwhile, or its process was killed while writing
            continue
        if event is not None:
            events[path.name] = event
    return events


def _parse_event(name: str, data: bytes, end: int) -> Event | None:
    text = data.decode("utf-8", "surrogateescape")
    head = text.split("\0", 10)
    status, kind, pid, parent, start, executable, directory, include_path, system_include_path, count, rest = head
    arguments = rest.split("\0", int(count))
    if len(arguments) != int(count) + 1:
        return None
    responses = _parse_responses(arguments.pop())
    return Event(
        name=name,
        tool=Tool(kind),
        pid=int(pid),
        parent=int(parent),
        start=int(start),
        executable=executable,
        directory=directory,
        arguments=tuple(expand_responses(arguments, directory, responses)),
        status=None if status == "----" else int(status),
        end=end,
        include_path=include_path,
        system_include_path=system_include_path,
    )


def _parse_responses(text: str) -> dict[str, str]:
    responses = {}
    data = text.encode("utf-8", "surrogateescape")
    while data:
        argument, size, data = data.split(b"\0", 2)
        responses[os.fsdecode(argument)] = os.fsdecode(data[: int(size)])
        data = data[int(size) :]
    return responses


def expand_responses(
    arguments: Iterable[str], directory: str, contents: Mapping[str, str], depth: int = 8
) -> list[str]:
    """Return `arguments` with each `@file` replaced by what the file holds, from `contents` or else from the disk.

    An argument whose file cannot be read stays as it is, as it does for the compiler. `depth` limits files that name
    files.
    """
    expanded = []
    for argument in arguments:
        content = None
        if argument.startswith("@") and depth > 0:
            content = contents.get(argument)
            if content is None:
                content = _read_response(os.path.join(directory, argument[1:]))
        if content is None:
            expanded.append(argument)
        else:
            expanded += expand_responses(split_words(content), directory, contents, depth - 1)
    return expanded


def split_words(text: str) -> list[str]:
    """Return the words of a command line or response file, quotes and backslashes resolved."""
    try:
        return shlex.split(text)
    except ValueError:  # an open quote: as good as the compiler does
        return text.split()


def _read_response(path: str) -> str | None:
    try:
        return Path(path).read_text(errors="surrogateescape")
    except OSError:
        return None


def outermost(events: Iterable[Event]) -> list[Event]:
    """Return `events`, oldest first, without what a recorded process started and what became another by exec."""
    ordered = sorted(events, key=lambda event: event.start)
    runs: dict[int, list[Event]] = {}  # of one process id, which the system uses again
    for event in ordered:
        runs.setdefault(event.pid, []).append(event)
    became = {id(event) for run in runs.values() for event in run[:-1] if event.status is None}
    return [
        event
        for event in ordered
        if id(event) not in became and not any(_encloses(outer, event) for outer in runs.get(event.parent, ()))
    ]


def _encloses(outer: Event, event: Event) -> bool:
    slack = 20_000_000  # file times come from a clock that ticks this coarsely at worst
    return outer.start <= event.start and (outer.status is None or event.start <= outer.end + slack)
