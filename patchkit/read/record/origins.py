"""Which compiles stand behind a file that is linked."""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from patchkit.model.build import CompileCommand
from patchkit.read.record.archive import read_archive
from patchkit.read.record.graph import NOT_RECORDED, Graph, Kind, Step
from patchkit.read.record.linked import source_names

Members = Mapping[str, tuple[int, ...]]


def steps_of(members: Members) -> tuple[int, ...]:
    """Return the steps behind all `members`, each once."""
    return tuple(dict.fromkeys(number for part in members.values() for number in part))


class Origins:
    """Answers from a graph, and from the content of files that no recorded process made.

    `number` registers a step for an object whose compile was not recorded.
    """

    def __init__(self, graph: Graph, number: Callable[[Step], int]) -> None:
        self.graph = graph
        self.number = number
        self.digests: dict[str, bytes] = {}  # of the objects that were compared so far

    def forget(self, path: str) -> None:
        """Note that the file at `path` was made anew."""
        self.digests.pop(path, None)

    def behind(self, path: str) -> tuple[int, ...]:
        """Return the steps behind the file `path`; none for a shared library, which is a program of its own."""
        product = self.graph.products.get(path)
        if product is not None:
            return () if product.kind is Kind.PROGRAM else product.steps
        if (members := self.members(path)) is not None:
            return steps_of(members)
        if self.is_own(path) and path.endswith((".o", ".lo", ".obj")) and os.path.exists(path):
            return self.recognise(path, "", _content(path))
        return ()

    def members(self, path: str) -> Members | None:
        """Return the steps behind each member of the archive `path`, None for what is no archive of the project."""
        product = self.graph.products.get(path)
        if product is not None:
            return product.parts if product.kind is Kind.ARCHIVE else None
        if not self.is_own(path) or not path.endswith(".a"):
            return None
        return {member.name: self.recognise(path, member.name, member.data) for member in read_archive(Path(path))}

    def is_own(self, path: str) -> bool:
        """Tell whether `path` lies below the root, and not among the system's libraries."""
        return path.startswith(self.graph.root + os.sep)

    def recognise(self, path: str, member: str, data: bytes) -> tuple[int, ...]:
        """Return the steps behind an object that no recorded process put where it is, told by its content."""
        place = os.path.normpath(os.path.join(os.path.dirname(path), member)) if member and not data else ""
        name = place if place in self.graph.products else self.same_object(data or _content(place), member)
        if name is not None:
            return self.graph.products[name].steps
        label = f"{path}({member})" if member else path
        command = CompileCommand(os.path.dirname(path), (), label, label)
        return (self.number(Step(command, label, NOT_RECORDED)),)

    def same_object(self, data: bytes, member: str) -> str | None:
        """Return the object that holds `data`, or the only vanished one that has the name of the archive's `member`."""
        objects = [name for name, product in self.graph.products.items() if product.kind is Kind.OBJECT]
        for name in objects:
            if name not in self.digests:
                content = _content(name)
                self.digests[name] = _digest(content) if content else b""
        digest = _digest(data) if data else None
        same = [name for name in objects if self.digests[name] == digest]
        vanished = [name for name in objects if not self.digests[name] and os.path.basename(name) == member]
        named = [name for name in same if os.path.basename(name) == member]
        return next(iter(named or same or (vanished if len(vanished) == 1 else [])), None)

    def pulled(self, program: str, archives: Mapping[str, Members], direct: Iterable[tuple[int, ...]]) -> Members:
        """Return, for each of `archives`, the steps behind those members that the linker took into `program`.

        A linker takes a member only where it defines something that is missing so far. Which it took shows in the names
        of sources in the program's symbol table; where those do not even hold the sources linked with `direct` objects
        (a stripped program, optimisation while linking), every member counts.
        """
        names = source_names(Path(program))
        expected = {name for part in direct for number in part if (name := self.source_name(number))}
        taken = {}
        for path, members in archives.items():
            kept = dict(members)
            if names and expected <= names:
                absent = [name for name, part in members.items() if self.is_absent(part, names)]
                contents = {member.name: member.data for member in read_archive(Path(path))} if absent else {}
                for name in absent:
                    if source_names(contents.get(name, b"")):  # it would have left a name
                        del kept[name]
            taken[path] = steps_of(kept)
        return taken if any(taken.values()) or expected else {path: steps_of(part) for path, part in archives.items()}

    def is_absent(self, part: tuple[int, ...], names: set[str]) -> bool:
        sources = {self.source_name(number) for number in part}
        return bool(sources) and "" not in sources and names.isdisjoint(sources)

    def source_name(self, number: int) -> str:
        """Return the name that a compiler leaves in the object of a C source, empty for other steps."""
        step = self.graph.steps[number]
        return "" if step.problem else os.path.basename(step.command.source)


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()
