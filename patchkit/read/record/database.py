"""Reading a compilation database, `compile_commands.json`. Source: clang's JSON Compilation Database format."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from patchkit.errors import InputError
from patchkit.model.build import CompileCommand, RecordedUnit, Recording
from patchkit.read.record.driver import UNREAD, Language, understand_compiler
from patchkit.read.record.events import expand_responses, split_words
from patchkit.read.record.preprocess import Progress
from patchkit.read.record.recorder import keep_units

NAME = "compile_commands.json"

_LAUNCHERS = ("ccache", "sccache", "distcc", "icecc")


def recording_from_commands(
    path: Path,
    *,
    jobs: int = 2,
    environ: Mapping[str, str],
    cache: Path,
    progress: Progress | None = None,
    root: Path | None = None,
) -> Recording:
    """Return a recording of what the compilation database `path`, or the one in the directory `path`, says.

    Its texts are kept in `cache`. `root` is told from where the sources lie unless it is given. Raises InputError for a
    file that is no such database or names no source.
    """
    path = (path / NAME if path.is_dir() else path).resolve()
    commands = list(dict.fromkeys(_commands(path)))
    if not commands:
        raise InputError(f"{path} names no source", hint=f"build the project so that it writes its {NAME} again")
    top = str(root.resolve()) if root is not None else _common_root(path, commands)
    store = cache / "commands" / hashlib.blake2b(f"{path}\0{top}".encode(), digest_size=8).hexdigest()
    units = [RecordedUnit(command, problem=_problem(command)) for command in commands]
    return keep_units(units, root=top, store=store, jobs=jobs, environ=environ, progress=progress)


def _commands(path: Path) -> list[CompileCommand]:
    try:
        entries = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", hint=f"name a {NAME}") from error
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}", hint=f"name a {NAME}") from error
    if not isinstance(entries, list):
        raise InputError(f"{path} is not a list of commands", hint=f"name a {NAME}")
    return [_entry(path, number, entry) for number, entry in enumerate(entries, 1)]


def _entry(path: Path, number: int, entry: object) -> CompileCommand:
    wrong = InputError(
        f"{path}: entry {number} is no compile command",
        hint="each needs `directory`, `file`, and `arguments` (a list) or `command` (a string)",
    )
    if not isinstance(entry, dict):
        raise wrong
    directory, file, command = entry.get("directory", "."), entry.get("file"), entry.get("command", "")
    arguments = entry.get("arguments")
    words = [str(word) for word in arguments] if isinstance(arguments, list) else split_words(str(command))
    if not isinstance(directory, str) or not isinstance(file, str) or not words:
        raise wrong
    if os.path.basename(words[0]) in _LAUNCHERS:
        del words[0]
    place = os.path.normpath(path.parent / directory)
    expanded = expand_responses(words, place, {})
    action = understand_compiler(expanded)
    output = str(entry.get("output") or action.output)
    return CompileCommand(
        place,
        tuple(expanded),
        os.path.normpath(os.path.join(place, file)),
        os.path.normpath(os.path.join(place, output)) if output else "",
    )


def _problem(command: CompileCommand) -> str:
    for source in understand_compiler(command.arguments).sources:
        if os.path.normpath(os.path.join(command.directory, source.path)) == command.source:
            return UNREAD.get(source.language, "")
    return UNREAD[Language.OTHER]


def _common_root(path: Path, commands: Sequence[CompileCommand]) -> str:
    """Return the directory that paths are relative to: the database's, or one above it where sources lie beside it."""
    sources = [command.source for command in commands]
    for place in (path.parent, *path.parent.parents[:-1]):
        if all(source.startswith(f"{place}{os.sep}") for source in sources):
            return str(place)
    return os.path.commonpath([os.path.dirname(source) for source in sources])
