"""The library that watches a build: compiled once into the cache, then named to every process by LD_PRELOAD.

Imported by `patchkit cc` for each compile, so it imports little.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from patchkit.errors import ToolError

SOURCE = Path(__file__).with_name("interpose.c")

# Address sanitizer ends every program that loads an unknown library before its own, which it knows by this part of the
# path. Nothing that it intercepts is intercepted here, so it is right to let ours pass.
_LIBRARY = "patchkit-record-libasan.so"


def recorded_environment(environ: Mapping[str, str], library: Path, events: Path) -> dict[str, str]:
    """Return `environ` changed so that every process of a build writes its events into the directory `events`."""
    present = [item for item in environ.get("LD_PRELOAD", "").split(":") if item and not item.endswith(_LIBRARY)]
    return {**environ, "LD_PRELOAD": ":".join([*present, str(library)]), "PATCHKIT_EVENTS": str(events)}


def is_recorded(environ: Mapping[str, str]) -> bool:
    """Tell whether `environ` is already that of a build that is watched."""
    return "PATCHKIT_EVENTS" in environ and _LIBRARY in environ.get("LD_PRELOAD", "")


def interposer(environ: Mapping[str, str]) -> Path:
    """Return the path of the library, compiled now if the cache does not have it.

    Raises ToolError where there is no C compiler or it fails.
    """
    import hashlib
    import platform

    from patchkit.config import cache_directory

    key = hashlib.blake2b(SOURCE.read_bytes() + platform.machine().encode(), digest_size=8).hexdigest()
    library = _without_separators(cache_directory(environ)) / "record" / key / _LIBRARY
    if not library.exists():
        _compile(library, environ)
    return library


def _without_separators(cache: Path) -> Path:
    """Return `cache`, or a private directory where its path has a character that means something in LD_PRELOAD."""
    if not set(str(cache)) & set(" :;$\t\n"):
        return cache
    private = Path(f"/tmp/patchkit-{os.getuid()}")
    private.mkdir(mode=0o700, exist_ok=True)
    status = private.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o170077 != 0o040000:
        raise ToolError(
            f"{private} is not a directory of this user alone",
            hint=f"set PATCHKIT_CACHE to a directory without spaces and colons, unlike {cache}",
        )
    return private


def _compile(library: Path, environ: Mapping[str, str]) -> None:
    import shutil
    import subprocess

    search = environ.get("PATH")
    compiler = next(filter(None, (shutil.which(name, path=search) for name in ("cc", "gcc", "clang"))), None)
    if compiler is None:
        raise ToolError("no C compiler was found: neither cc nor gcc nor clang", hint="install gcc or clang")
    try:
        library.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ToolError(f"cannot write {library.parent}: {error.strerror}", hint="set PATCHKIT_CACHE") from error
    partial = library.with_suffix(f".{os.getpid()}")
    options = ["-shared", "-fPIC", "-O2", "-std=gnu11", "-o", str(partial), str(SOURCE), "-ldl"]
    plain = {name: value for name, value in environ.items() if name not in ("LD_PRELOAD", "PATCHKIT_EVENTS")}
    done = subprocess.run(
        [compiler, *options], check=False, env=plain, capture_output=True, text=True, errors="replace"
    )
    if done.returncode != 0:
        first = (done.stderr.strip().splitlines() or ["no message"])[0]
        raise ToolError(f"{compiler} cannot compile {SOURCE}: {first}", hint="a C library with headers is needed")
    partial.replace(library)
