"""The facade for updates tried on real memory: samples from a process or a core file, and a rehearsal."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from patchkit.authoring import FILE, Authored, Finding, author, migration_of
from patchkit.errors import InputError
from patchkit.live.failure import LiveError
from patchkit.live.memory import memory_of
from patchkit.live.process import find_process
from patchkit.live.updates import Runtime, Wish
from patchkit.transform.changed import Changed
from patchkit.transform.roots import moved_variables
from patchkit.transform.shapes import Graph
from patchkit.validate.capture import Capture, roots_of
from patchkit.workspace import Reading, Surroundings, bundle, variables_of

REHEARSAL = 7  # the level of a validation


@dataclass(frozen=True, slots=True)
class Sampled:
    """The text of a file of samples, how many objects it has, and how many were looked at."""

    text: str
    found: int
    looked: int


def rehearsed(authored: Authored, pid: int, around: Surroundings, reading: Reading) -> list[Finding]:
    """Return what a rehearsal of an update on a copy of process `pid` finds; the process goes on as it was."""
    home = replace(around, directory=authored.home)
    named = replace(reading, program=reading.program or authored.update.program or None)
    where = str(authored.folder / FILE), 0
    with tempfile.TemporaryDirectory(prefix="patchkit-") as place:
        path = Path(place) / "update.pkb"
        names = authored.update.old.name, authored.update.new.name
        made = bundle(*names, path, home, named, migration=migration_of(authored))
        if made.manifest is None:
            return [Finding(REHEARSAL, each.rule, *where, each.text, each.hint) for each in made.refusals]
        process = find_process(pid)
        try:
            with path.open("rb") as file, Runtime(process) as runtime:
                outcome = runtime.rehearse(file.fileno(), Wish(), lambda phase: None)
        except LiveError as problem:
            return [Finding(REHEARSAL, problem.code, *where, problem.message, problem.hint, process.named)]
    if outcome.result == "already":
        text = f"{process.named} is at the new version already, so nothing was tried"
        return [Finding(REHEARSAL, "PKX607", *where, text, "name a process of the old version", process.named)]
    return []


def sample(where: str, key: str, update: Path, around: Surroundings, reading: Reading, most: int) -> Sampled:
    """Return up to `most` objects of the type `key` in the memory of `where`, a process or a core file.

    They are found as the update in the directory `update` finds them. Raises InputError for a type that the update does
    not convert, and where the memory is that of another build than its old version.
    """
    authored = author(update, around, reading)
    planned = authored.planned
    changed = Changed(planned.pair, planned.decisions)
    if key not in changed.records:
        known = ", ".join(sorted(changed.records)) or "nothing"
        raise InputError(f"{update} does not convert a type {key}", hint=f"it converts {known}")
    home = replace(around, directory=authored.home)
    named = replace(reading, program=reading.program or authored.update.program or None)
    _, build, places = variables_of(authored.update.old.name, home, named)
    moved = frozenset(moved_variables(planned.pair, changed, planned.decisions))
    with memory_of(where) as memory:
        if memory.build_id != build:
            raise InputError(
                f"{memory.named} is of build {memory.build_id[:12] or '(none)'}, the update begins with {build[:12]}",
                hint="PKB801: samples are taken from the version that the update begins with",
            )
        walk = Capture(Graph(changed, planned.decisions, moved), memory.read, key, most)
        walk.walk(roots_of(walk.graph, places, memory.base))
        text = json.dumps(walk.book(), indent=1, ensure_ascii=False) + "\n"
        return Sampled(text, len(walk.found), walk.looked)
