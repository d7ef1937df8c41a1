"""What one build did, applied to what is known of a build."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from patchkit.model.build import CompileCommand
from patchkit.read.record.archive import read_archive, understand_archiver
from patchkit.read.record.copying import understand_copy
from patchkit.read.record.driver import (
    UNREAD,
    Action,
    Input,
    Language,
    Mode,
    Source,
    understand_compiler,
    understand_linker,
)
from patchkit.read.record.events import Event, Tool
from patchkit.read.record.graph import Graph, Kind, Product, Step
from patchkit.read.record.origins import Origins, steps_of


def add_build(graph: Graph, events: Iterable[Event]) -> None:
    """Add to `graph` what one build did, given in order of time, while its outputs still stand where it left them."""
    replay = _Replay(graph)
    for event in events:
        replay.add(event)
    graph.forget()


class _Replay:
    """One build's events, applied to the graph in order."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.latest = {(step.command.source, step.at): number for number, step in sorted(graph.steps.items())}
        self.fresh: set[int] = set()  # steps of this build
        self.added: dict[str, set[str]] = {}  # members that this build put into each archive
        self.origins = Origins(graph, self.number)
        self.next = max(graph.steps, default=-1) + 1

    def add(self, event: Event) -> None:
        if event.status not in (0, None):
            return
        match event.tool:
            case Tool.COMPILER | Tool.LAUNCHER:
                arguments = compiler_arguments(event)
                if arguments:
                    self.compile(event, arguments, understand_compiler(arguments))
            case Tool.LINKER:
                action = understand_linker(event.arguments)
                if action.inputs:
                    self.link(event, action, ())
            case Tool.ASSEMBLER:
                self.assemble(event)
            case Tool.ARCHIVER:
                self.archive(event)
            case Tool.COPY | Tool.OBJCOPY | Tool.STRIP:
                self.copy(event)

    def compile(self, event: Event, arguments: tuple[str, ...], action: Action) -> None:
        if action.mode is Mode.NOTHING:
            return
        if action.mode is Mode.LINK:
            at = event.path(action.output or "a.out")
            if not _was_made(at, event):
                return
            numbers = [self.number(_step(event, arguments, item, at, output="")) for item in action.sources]
            self.link(event, action, tuple(numbers))
            return
        for item in action.sources:
            if item.path.startswith("/dev/"):  # a trial of options
                continue
            stem = os.path.splitext(os.path.basename(item.path))[0]
            at = event.path(action.output or stem + (".o" if action.mode is Mode.OBJECT else ".s"))
            generated = self.graph.products.get(event.path(item.path))
            if not _was_made(at, event):
                continue
            if generated is not None and item.language is Language.ASSEMBLER:
                self.put(at, Product(Kind.OBJECT, {"": generated.steps}))
            else:
                number = self.number(_step(event, arguments, item, at))
                self.put(at, Product(Kind.OBJECT, {"": (number,)}))

    def number(self, step: Step) -> int:
        """Return the number of `step`: its own from an earlier build, so that whatever contains it follows.

        Within one build it is another step if the arguments differ: what was linked in between has the first one.
        """
        key = (step.command.source, step.at)
        number = self.latest.get(key)
        if number is None or (number in self.fresh and self.graph.steps[number].command != step.command):
            number = self.next
            self.next += 1
        self.graph.steps[number] = step
        self.latest[key] = number
        self.fresh.add(number)
        return number

    def put(self, path: str, product: Product) -> None:
        self.graph.products[path] = product
        self.origins.forget(path)

    def link(self, event: Event, action: Action, numbers: tuple[int, ...]) -> None:
        at = event.path(action.output or "a.out")
        if not _was_made(at, event):
            return
        parts = {"": numbers}
        archives = {}
        for item in action.inputs:
            path = _find_input(event, item, action.search)
            if not path or path in parts:
                continue
            members = self.origins.members(path)
            if members is not None:
                archives[path] = members
            parts[path] = steps_of(members) if members is not None else self.origins.behind(path)
        if action.relocatable:
            kind = Kind.OBJECT
        else:
            kind = Kind.PROGRAM
            parts |= self.origins.pulled(at, archives, [part for path, part in parts.items() if path not in archives])
        self.put(at, Product(kind, {path: part for path, part in parts.items() if part}))

    def assemble(self, event: Event) -> None:
        action = understand_linker(event.arguments)  # the options that matter are written in the same way
        names = [item.name for item in action.inputs if not item.library]
        at = event.path(action.output or "a.out")
        if len(names) != 1 or not _was_made(at, event):
            return
        generated = self.graph.products.get(event.path(names[0]))
        if generated is not None:
            numbers = generated.steps
        else:
            numbers = (self.number(_step(event, event.arguments, Source(names[0], Language.ASSEMBLER), at)),)
        self.put(at, Product(Kind.OBJECT, {"": numbers}))

    def archive(self, event: Event) -> None:
        action = understand_archiver(event.arguments)
        if action is None:
            return
        path = event.path(action.archive)
        known = self.graph.products.get(path)
        parts = dict(known.parts) if known is not None and known.kind is Kind.ARCHIVE else {}
        names = [name if action.full_names else os.path.basename(name) for name in action.members]
        match action.operation:
            case "x":
                for name in names or parts:
                    if name in parts:
                        self.put(event.path(name), Product(Kind.OBJECT, {"": parts[name]}))
                return
            case "d":
                parts = {name: part for name, part in parts.items() if name not in names}
            case "r" | "q":
                self.add_members(event, path, parts, dict(zip(action.members, names, strict=True)), action.operation)
            case _:
                return
        self.put(path, Product(Kind.ARCHIVE, parts))

    def add_members(
        self, event: Event, path: str, parts: dict[str, tuple[int, ...]], names: dict[str, str], operation: str
    ) -> None:
        added = self.added.setdefault(path, set())
        present = {member.name for member in read_archive(Path(path))}
        for name in [name for name in parts if name not in added]:
            if present and name not in present:  # the archive was removed before this build filled it again
                del parts[name]
        earlier = set(parts) if operation == "r" else set()
        for file, name in names.items():
            kept = () if name in earlier else parts.get(name, ())
            earlier.discard(name)
            parts[name] = kept + self.origins.behind(event.path(file))
            added.add(name)

    def copy(self, event: Event) -> None:
        for source, target in understand_copy(event.tool, event.arguments, event.directory):
            product = self.graph.products.get(source)
            if product is not None and source != target:
                self.put(target, Product(product.kind, dict(product.parts), original=source))


def compiler_arguments(event: Event) -> tuple[str, ...]:
    """Return the compiler's command of `event`: without a launcher, the compiler by its path.

    Directories that the environment named to the compiler are added. Empty where a launcher was not asked to compile.
    """
    arguments = list(event.arguments)
    if event.tool is Tool.LAUNCHER and os.path.basename(arguments[0]) == os.path.basename(event.executable):
        del arguments[0]
        if not arguments or arguments[0].startswith("-"):
            return ()
    elif event.tool is Tool.COMPILER:
        arguments[0] = _compiler_path(event)
    for value, option in ((event.include_path, "-I"), (event.system_include_path, "-isystem")):
        for directory in value.split(":") if value else ():
            arguments += [option, directory or "."]
    return tuple(arguments)


def _step(event: Event, arguments: tuple[str, ...], source: Source, at: str, output: str | None = None) -> Step:
    command = CompileCommand(event.directory, arguments, event.path(source.path), at if output is None else output)
    return Step(command, at, UNREAD.get(source.language, ""))


def _compiler_path(event: Event) -> str:
    """Return the path of the compiler under the name that it was called by, which may choose a language or a target."""
    name = event.arguments[0]
    path = event.path(name) if "/" in name else os.path.join(os.path.dirname(event.executable), name)
    return path if os.path.realpath(path) == os.path.realpath(event.executable) else event.executable


def _was_made(path: str, event: Event) -> bool:
    """Tell whether `event` made `path`: where no exit status was seen, the file itself must show it."""
    if event.status == 0:
        return True
    try:
        return os.stat(path).st_mtime_ns >= event.start - 20_000_000  # file times are that coarse at worst
    except OSError:
        return False


def _find_input(event: Event, item: Input, search: Sequence[str]) -> str:
    if not item.library:
        return event.path(item.name)
    exact = item.name.removeprefix(":")
    names = [exact] if exact != item.name else [f"lib{exact}.so"] * (not item.static) + [f"lib{exact}.a"]
    paths = (event.path(os.path.join(directory, name)) for directory in search for name in names)
    return next((path for path in paths if os.path.exists(path)), "")
