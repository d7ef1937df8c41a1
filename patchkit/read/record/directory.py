"""Reading a plain directory of C sources that nothing says how to build: a guess, marked as one."""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from patchkit.errors import InputError, ToolError
from patchkit.model.build import CompileCommand, RecordedUnit, Recording
from patchkit.read.record.preprocess import Progress
from patchkit.read.record.recorder import keep_units


def recording_from_directory(
    path: Path, *, jobs: int = 2, environ: Mapping[str, str], cache: Path, progress: Progress | None = None
) -> Recording:
    """Return a recording that takes each C source below `path` as a unit, with guessed include directories.

    Its texts are kept in `cache`; `exact` is False. Raises InputError where there is no C source.
    """
    root = path.resolve()
    files = sorted(_files(root))
    sources = [name for name in files if name.endswith(".c")]
    if not sources:
        raise InputError(
            f"{path} holds no C source", hint="name the directory of the source, or record its build: patchkit record"
        )
    options = _guessed_options(root, files)
    compiler = _compiler(environ)
    units = [
        RecordedUnit(CompileCommand(str(root), (*compiler, *options, "-c", source), str(root / source)))
        for source in sources
    ]
    units += [
        RecordedUnit(CompileCommand(str(root), (), str(root / source)), problem="C++ is not read")
        for source in files
        if source.endswith(_CPLUSPLUS)
    ]
    store = cache / "directories" / hashlib.blake2b(os.fsencode(root), digest_size=8).hexdigest()
    return keep_units(units, root=str(root), store=store, jobs=jobs, environ=environ, progress=progress, exact=False)


def _files(root: Path) -> Iterator[str]:
    """Yield the sources and headers below `root`, relative to it; hidden and linked directories are left out."""
    for place, directories, names in os.walk(root):
        directories[:] = [name for name in directories if not name.startswith(".") and name != "CMakeFiles"]
        relative = os.path.relpath(place, root)
        for name in names:
            if name.endswith((".c", ".h", *_CPLUSPLUS)) and not name.startswith("."):
                yield os.path.normpath(os.path.join(relative, name))


_CPLUSPLUS = (".cc", ".cpp", ".cxx")
# Where headers are meant to be found; others come after the system's own, so that a string.h among them hides nothing.
_FIRST = (".", "include", "src", "lib")


def _guessed_options(root: Path, files: list[str]) -> list[str]:
    headers = [name for name in files if name.endswith(".h")]
    directories = {os.path.dirname(name) or "." for name in headers}
    first = [name for name in _FIRST if name == "." or name in directories or (root / name).is_dir()]
    others = sorted(directories - set(first), key=lambda name: (name.count(os.sep), name))
    configured = any(os.path.basename(name) == "config.h" for name in headers)
    return [
        "-D_GNU_SOURCE",
        *(["-DHAVE_CONFIG_H"] if configured else []),
        *(word for name in first for word in ("-I", name)),
        *(word for name in others for word in ("-idirafter", name)),
    ]


def _compiler(environ: Mapping[str, str]) -> list[str]:
    if named := environ.get("CC", "").split():
        return named
    found = next((name for name in ("cc", "gcc", "clang") if shutil.which(name, path=environ.get("PATH"))), None)
    if found is None:
        raise ToolError("no C compiler was found: neither cc nor gcc nor clang", hint="install gcc or clang")
    return [found]
