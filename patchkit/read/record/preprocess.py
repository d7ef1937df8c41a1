"""The text that the compiler read for each unit, made by running its command once more."""

import hashlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Event

from patchkit.model.build import CompileCommand, RecordedUnit
from patchkit.read.record.driver import UNREAD, preprocessing_arguments
from patchkit.read.record.graph import NOT_RECORDED
from patchkit.read.record.headers import has_headers, keep_headers
from patchkit.read.record.index import Index, command_key, index_json, read_index
from patchkit.read.record.paths import index_path, text_path
from patchkit.read.record.store import write_atomically
from patchkit.read.record.surroundings import plain_environment

Progress = Callable[[str, int, int], None]

_UNREADABLE = frozenset({*UNREAD.values(), NOT_RECORDED})


def preprocess_units(
    units: Sequence[RecordedUnit],
    *,
    root: str,
    store: Path,
    jobs: int,
    environ: Mapping[str, str],
    progress: Progress | None = None,
) -> tuple[tuple[RecordedUnit, ...], dict[str, str]]:
    """Return `units` with their texts in `store`, and the digest of each file that was read for them.

    The compiler runs `jobs` times at once, and only for units whose command, source or headers changed since their text
    was made. A unit that the compiler cannot preprocess has the compiler's first error as its `problem`; units that are
    not C stay as they are.
    """
    index = read_index(index_path(store))
    keys = ["" if _is_unreadable(unit) else command_key(unit.command, root) for unit in units]
    done = [_known(unit, key, index, store) for unit, key in zip(units, keys, strict=True)]
    missing = [number for number, unit in enumerate(done) if unit is None]
    texts = _texts(_Run(root, store, plain_environment(environ)), [units[number].command for number in missing], jobs)
    for count, (number, text) in enumerate(zip(missing, texts, strict=True), 1):
        done[number] = replace(units[number], text=text.name, problem=text.problem)
        if text.name:
            index.put(keys[number], text.name, text.files, text.begun)
        else:
            index.drop(keys[number])
        if progress is not None:
            progress("preprocess", count, len(missing))
    index.keep(key for key in keys if key)
    if index.changed or not has_headers(store):
        keep_headers(index, store, root)
    if index.changed:
        write_atomically(index_path(store), index_json(index))
    return tuple(unit for unit in done if unit is not None), {
        path: stamp.digest for path, stamp in sorted(index.stamps.items()) if stamp.digest
    }


def _is_unreadable(unit: RecordedUnit) -> bool:
    return not unit.command.arguments or unit.problem in _UNREADABLE


def _known(unit: RecordedUnit, key: str, index: Index, store: Path) -> RecordedUnit | None:
    if not key:
        return unit
    name = index.text(key)
    if not name or not os.path.exists(text_path(store, name)):
        return None
    return unit if unit.text == name and not unit.problem else replace(unit, text=name, problem="")


@dataclass(frozen=True, slots=True)
class _Text:
    name: str
    problem: str
    files: tuple[str, ...]
    begun: int


_INTERRUPTED = "the compiler was interrupted"


@dataclass(frozen=True, slots=True)
class _Run:
    root: str
    store: Path
    environ: Mapping[str, str]
    interrupted: Event = field(default_factory=Event)  # else threads begin with the next one before they are ended

    def preprocess(self, command: CompileCommand) -> _Text:
        """Run the compiler of `command` for its text; never raises for what the compiler or the file system may do."""
        begun = time.time_ns()
        arguments = preprocessing_arguments(command.arguments, command.directory, command.source, self.root)
        with NamedTemporaryFile(dir=self.store / "texts", suffix=".part", delete=False) as out:
            part = Path(out.name)
            problem = self.compile(arguments, command, out.fileno())
        data = part.read_bytes()
        if problem:
            part.unlink()
            return _Text("", problem, (), begun)
        name = hashlib.blake2b(data, digest_size=16).hexdigest()
        part.replace(text_path(self.store, name))
        return _Text(name, "", files_read(data, command), begun)

    def compile(self, arguments: list[str], command: CompileCommand, out: int) -> str:
        """Return what went wrong, empty if nothing did."""
        if self.interrupted.is_set():
            return _INTERRUPTED
        if not os.path.exists(command.source):
            return f"{command.source} no longer exists"
        try:
            done = subprocess.run(
                arguments,
                check=False,
                cwd=command.directory,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            missing = command.directory if not os.path.isdir(command.directory) else arguments[0]
            return f"cannot run the compiler: {missing}: {error.strerror}"
        if done.returncode == 0:
            return ""
        if done.returncode == -signal.SIGINT:
            self.interrupted.set()
            return _INTERRUPTED
        message = done.stderr.decode(errors="replace")
        prefix_map = next((word for word in arguments if word.startswith("-fmacro-prefix-map=")), "")
        if prefix_map and "-fmacro-prefix-map" in message:  # unknown to gcc before 8 and clang before 10
            os.ftruncate(out, 0)
            os.lseek(out, 0, os.SEEK_SET)
            return self.compile([word for word in arguments if word != prefix_map], command, out)
        return _first_error(message) or f"{arguments[0]} failed with exit code {done.returncode}"


def _texts(run: _Run, commands: Sequence[CompileCommand], jobs: int) -> Iterator[_Text]:
    """Yield the texts of `commands` in their order, as they are made."""
    if not commands:
        return
    from concurrent.futures import ThreadPoolExecutor  # dear, and most often there is nothing to preprocess

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        yield from pool.map(run.preprocess, commands)


def _first_error(message: str) -> str:
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return next((line for line in lines if "error:" in line), lines[0] if lines else "")


_ENTERED = re.compile(rb'^# \d+ "((?:[^"\\\n]|\\.)+)" 1', re.MULTILINE)


def files_read(text: bytes, command: CompileCommand) -> tuple[str, ...]:
    """Return the source of `command` and every file that its preprocessed `text` shows to be included, absolute."""
    names = {os.fsdecode(re.sub(rb"\\(.)", rb"\1", name)) for name in _ENTERED.findall(text)}
    included = {os.path.normpath(os.path.join(command.directory, name)) for name in names if not name.startswith("<")}
    return (command.source, *sorted(included - {command.source}))
