"""`patchkit cc`: the real compiler, watched.

It starts for every compile of a build, so it imports little, and the compiler takes its place in the same process.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from patchkit.errors import ToolError
from patchkit.read.record.interposer import SOURCE, interposer, is_recorded, recorded_environment
from patchkit.read.record.paths import STORE, events_directory, library_note, make_store


def compiler_wrapper(
    argv: Sequence[str], *, environ: Mapping[str, str] | None = None, directory: Path | None = None
) -> int:
    """Become the compiler $PATCHKIT_CC (`cc` where it is unset) with the arguments `argv`, and note what it does.

    The notes go to the store of $PATCHKIT_ROOT, else to the nearest one above `directory` (the current one), else to
    the top of the git work tree, else to `directory`; `load_recording` reads them. Returns only by raising: ToolError
    where the compiler cannot be run, InputError where no notes can be written.
    """
    surroundings = os.environ if environ is None else environ
    compiler = surroundings.get("PATCHKIT_CC", "").split() or ["cc"]
    if os.path.basename(compiler[0]) == "patchkit":
        raise ToolError("PATCHKIT_CC names patchkit itself", hint="set it to the real compiler, for example gcc")
    if not is_recorded(surroundings):
        store = _root(surroundings, directory or Path.cwd()) / STORE
        if not events_directory(store).is_dir():
            make_store(store)
        surroundings = recorded_environment(surroundings, _library(store, surroundings), events_directory(store))
    try:
        os.execvpe(compiler[0], [*compiler, *argv], surroundings)
    except OSError as error:
        raise ToolError(
            f"cannot run the compiler {compiler[0]}: {error.strerror}", hint="set PATCHKIT_CC to the real compiler"
        ) from error


def _root(environ: Mapping[str, str], directory: Path) -> Path:
    if named := environ.get("PATCHKIT_ROOT"):
        return Path(named).resolve()
    above = (directory, *directory.parents)
    for mark in (STORE, ".git"):
        found = next((place for place in above if (place / mark).exists()), None)
        if found is not None:
            return found
    return directory


def _library(store: Path, environ: Mapping[str, str]) -> Path:
    """Return the library's path as the store remembers it, which saves hashing its source for every compile."""
    note = library_note(store)
    status = SOURCE.stat()
    key = f"{SOURCE} {status.st_mtime_ns} {status.st_size}"
    try:
        noted, _, path = note.read_text().partition("\n")
    except OSError:
        noted, path = "", ""
    if noted == key and os.path.exists(path):
        return Path(path)
    library = interposer(environ)
    partial = note.with_suffix(f".{os.getpid()}")
    partial.write_text(f"{key}\n{library}")
    partial.replace(note)
    return library
