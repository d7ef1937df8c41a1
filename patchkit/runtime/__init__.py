"""The C runtime that lives in the processes to be updated, compiled on this machine when it is first needed.

Sources are `src/` and `arch/`, what a program may include is in `include/`, and `attach/` is the program that brings
the runtime into a process that was started without it. Nothing is compiled twice: results lie in the cache under a
digest of what they were made from.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
INCLUDE = HERE / "include"
LIBRARY = "libpatchkit.so"
ARCHIVE = "libpatchkit.a"
ATTACHER = "patchkit-attach"


def library(cache: Path, environ: Mapping[str, str] | None = None) -> Path:
    """Return the path of the shared library, for LD_PRELOAD and dlopen, compiled now if `cache` does not have it.

    `environ` is the compiler's environment, that of this process where it is None. Raises ToolError where there is no C
    compiler or it fails.
    """
    return _runtime(cache, environ) / LIBRARY


def archive(cache: Path, environ: Mapping[str, str] | None = None) -> Path:
    """Return the path of the static library, in a directory without the shared one; otherwise as `library`."""
    return _runtime(cache, environ) / "static" / ARCHIVE


def attacher(cache: Path, environ: Mapping[str, str] | None = None) -> Path:
    """Return the path of the program that brings the library into a process; otherwise as `library`."""
    from patchkit.runtime.building import build_program

    return build_program(HERE / "attach", ATTACHER, cache, environ, [HERE / "src" / "attachment.h"])


def _runtime(cache: Path, environ: Mapping[str, str] | None) -> Path:
    from patchkit.runtime.building import build_runtime

    return build_runtime(HERE, cache, environ)


@dataclass(frozen=True, slots=True)
class Linking:
    """What a build needs to link a program with the runtime: options, and the directory of the library."""

    cflags: tuple[str, ...]
    libs: tuple[str, ...]
    directory: Path


def linking(cache: Path, environ: Mapping[str, str] | None = None, *, shared: bool) -> Linking:
    """Return the options for the shared or the static library; raises as `library` does."""
    path = library(cache, environ) if shared else archive(cache, environ)
    folder, cflags = shlex.quote(str(path.parent)), (f"-I{shlex.quote(str(INCLUDE))}",)
    # Nothing in a program has to name the runtime, so a linker would leave it out; and from a static program it would
    # leave out the table by which stacks are walked.
    if shared:
        keep = ("-Wl,--push-state,--no-as-needed", f"-L{folder}", "-lpatchkit", "-Wl,--pop-state")
        return Linking(cflags, (*keep, f"-Wl,-rpath,{folder}"), path.parent)
    keep = ("-Wl,-u,pk__update_point", "-Wl,--eh-frame-hdr", f"-L{folder}", "-lpatchkit")
    return Linking(cflags, keep, path.parent)
