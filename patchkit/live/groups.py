"""Which processes one command is about: one, a tree of them, or all of a name."""

from collections.abc import Iterator

from patchkit.errors import InputError
from patchkit.live.process import Process, all_processes, find_process


def tree(pid: int) -> Iterator[Process]:
    """Give process `pid`, then its descendants that run the same executable, parents before children.

    What a parent starts after it was updated is born updated, so parents come first; and descendants are looked for
    again after each, so that none which was started meanwhile is left out.
    """
    root = find_process(pid)
    given = {(root.pid, root.started)}
    yield root
    while (found := _next(root, given)) is not None:
        given.add((found.pid, found.started))
        yield found


def of_name(name: str) -> Iterator[Process]:
    """Give every process whose executable has that file name, the oldest first; raises InputError where none has."""
    given: set[tuple[int, int]] = set()
    while True:
        found, hidden = all_processes()
        fitting = [each for each in found if each.program == name and (each.pid, each.started) not in given]
        if not fitting:
            break
        first = min(fitting, key=lambda each: (each.started, each.pid))
        given.add((first.pid, first.started))
        yield first
    if not given:
        unseen = f"; {hidden} processes of other users could not be looked at" if hidden else ""
        raise InputError(f"no process runs a program called {name}{unseen}", hint="the name is that of its executable")


def _next(root: Process, given: set[tuple[int, int]]) -> Process | None:
    """Return the highest descendant of `root` that was not given yet; one that runs another program hides none."""
    found, _ = all_processes()
    children: dict[int, list[Process]] = {}
    for process in found:
        children.setdefault(process.parent, []).append(process)
    level = children.get(root.pid, [])
    while level:
        for process in level:
            if process.identity == root.identity and (process.pid, process.started) not in given:
                return process
        level = [child for process in level for child in children.get(process.pid, [])]
    return None
