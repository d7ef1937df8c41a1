"""The facade for chains of updates: which of those in a directory lead from one version to another."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from patchkit.authoring import FILE
from patchkit.errors import InputError
from patchkit.transform.update import parse_update


@dataclass(frozen=True, slots=True)
class Step:
    """An update in `folder`, from version `old` to version `new`, by the names that it was made with."""

    folder: Path
    old: str
    new: str


def steps_below(folder: Path) -> list[Step]:
    """Return the updates in the directories below `folder`. Raises InputError where there is none, ConfigError for one
    that cannot be read.
    """
    files = sorted(folder.glob(f"*/{FILE}"))
    if not files:
        raise InputError(f"there is no update below {folder}/", hint="make one: patchkit new OLD NEW")
    found = []
    for path in files:
        update = parse_update(path.read_text(encoding="utf-8"), str(path))
        found.append(Step(path.parent, update.old.name, update.new.name))
    return found


def find_path(steps: Iterable[Step], start: str, goal: str) -> tuple[Step, ...]:
    """Return the shortest chain of `steps` from `start` to `goal`. Raises InputError where there is none."""
    by_start: dict[str, list[Step]] = {}
    for step in steps:
        by_start.setdefault(step.old, []).append(step)
    reached: dict[str, tuple[Step, ...]] = {start: ()}
    waiting = deque([start])
    while waiting and goal not in reached:
        name = waiting.popleft()
        for step in by_start.get(name, ()):
            if step.new not in reached:
                reached[step.new] = (*reached[name], step)
                waiting.append(step.new)
    if reached.get(goal):
        return reached[goal]
    raise InputError(f"no chain of updates leads from {start} to {goal}", hint=_what_there_is(by_start, reached, start))


def _what_there_is(by_start: Mapping[str, list[Step]], reached: Mapping[str, tuple[Step, ...]], start: str) -> str:
    if start not in by_start:
        return f"updates begin at {', '.join(sorted(by_start))}"
    return f"from {start} they lead to {', '.join(name for name in reached if name != start)}"
