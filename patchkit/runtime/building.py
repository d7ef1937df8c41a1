"""Compiling C sources of this package into a cache: whole or not at all, and once for the same inputs."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from patchkit.errors import ToolError

_FORMAT = b"1"  # of a result's directory
_SUFFIXES = (".c", ".h", ".S")
_COMPILERS = ("cc", "gcc", "clang")
_PROGRAM_FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra")

Environ = Mapping[str, str] | None


def build_runtime(home: Path, cache: Path, environ: Environ) -> Path:
    """Return the directory with `libpatchkit.so` and `static/libpatchkit.a`, made from `home`/src and `home`/arch.

    `home`/flags and `home`/link-flags (which may be missing) hold one option of the compiler in each line. Raises
    ToolError where a tool is missing or fails.
    """
    compiler = _Compiler(environ)
    sources = sorted(path for folder in ("src", "arch") for path in (home / folder).glob("*.[cS]"))
    if not sources:
        raise ToolError(f"{home} holds no sources of the runtime", hint="install patchkit again")
    inputs = sorted(path for folder in ("src", "arch", "include") for path in (home / folder).iterdir())
    flags, link_flags = _options(home / "flags"), _options(home / "link-flags")

    def make(place: Path) -> None:
        objects = compiler.compile(sources, [*flags, f"-I{home / 'include'}"], place)
        # The library must not depend on what the C library brings for a program's start.
        compiler.run("-shared", "-nostartfiles", *link_flags, "-o", str(place / "libpatchkit.so"), *map(str, objects))
        (place / "static").mkdir()
        compiler.archive(place / "static" / "libpatchkit.a", objects)
        for each in objects:
            each.unlink()

    return _made(cache / "runtime", compiler, inputs, [*flags, "--", *link_flags], make)


def build_program(folder: Path, name: str, cache: Path, environ: Environ, headers: Sequence[Path] = ()) -> Path:
    """Return the executable `name`, made from all sources in `folder` and in `folder`/arch.

    `headers` are what these include from elsewhere. Raises as `build_runtime` does.
    """
    compiler = _Compiler(environ)
    inputs = sorted([*folder.iterdir(), *folder.glob("arch/*"), *headers])
    sources = [str(path) for path in inputs if path.suffix == ".c"]
    if not sources:
        raise ToolError(f"{folder} holds no sources", hint="install patchkit again")

    def make(place: Path) -> None:
        compiler.run(*_PROGRAM_FLAGS, "-o", str(place / name), *sources)

    return _made(cache / name, compiler, inputs, _PROGRAM_FLAGS, make) / name


class _Compiler:
    """The machine's C compiler."""

    def __init__(self, environ: Environ) -> None:
        given = os.environ if environ is None else environ
        # What is preloaded into every program for another purpose has no business in the compiler.
        self._environ = {name: value for name, value in given.items() if name not in ("LD_PRELOAD", "PATCHKIT_EVENTS")}
        self.path = self._find(_COMPILERS, "C compiler", "install gcc or clang")

    def _find(self, names: Sequence[str], what: str, hint: str) -> str:
        search = self._environ.get("PATH")
        found = next(filter(None, (shutil.which(name, path=search) for name in names)), None)
        if found is None:
            raise ToolError(f"no {what} was found: there is no {' and no '.join(names)}", hint=hint)
        return found

    def version(self) -> bytes:
        """Return what tells this compiler from another release of it."""
        return self.run("--version").encode()

    def run(self, *arguments: str) -> str:
        """Run the compiler and return what it prints."""
        return self._finish(self.path, self._start(self.path, arguments), arguments)

    def compile(self, sources: Sequence[Path], flags: Sequence[str], place: Path) -> list[Path]:
        """Compile each source into an object in `place`, as many at once as there are processors."""
        objects = [place / f"{source.parent.name}-{source.stem}.o" for source in sources]
        calls = [(*flags, "-c", "-o", str(o), str(s)) for s, o in zip(sources, objects, strict=True)]
        width = len(os.sched_getaffinity(0))
        for first in range(0, len(calls), width):
            running = [(self._start(self.path, call), call) for call in calls[first : first + width]]
            for process, call in running:
                self._finish(self.path, process, call)
        return objects

    def archive(self, target: Path, objects: Sequence[Path]) -> None:
        """Gather `objects` into a static library."""
        tool = self._find(("ar", "gcc-ar", "llvm-ar"), "archiver", "install binutils")
        arguments = ("rcsD", str(target), *map(str, objects))
        self._finish(tool, self._start(tool, arguments), arguments)

    def _start(self, tool: str, arguments: Sequence[str]) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [tool, *arguments], env=self._environ, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, errors="replace"
        )

    def _finish(self, tool: str, process: subprocess.Popen[str], arguments: Sequence[str]) -> str:
        out, errors = process.communicate()
        if process.returncode != 0:
            first = next((line for line in errors.splitlines() if "error" in line), errors.strip() or "no message")
            raise ToolError(
                f"{tool} {arguments[-1]} failed: {first}",
                hint="the runtime is compiled on this machine: a C compiler and the C library's headers are needed",
            )
        return out


def _made(
    cache: Path, compiler: _Compiler, inputs: Sequence[Path], flags: Sequence[str], make: Callable[[Path], None]
) -> Path:
    """Return the directory in `cache` for these inputs, filled by `make` if it is not there."""
    digest = hashlib.blake2b(_FORMAT, digest_size=8)
    for part in (compiler.path.encode(), compiler.version(), *(flag.encode() for flag in flags)):
        digest.update(part + b"\0")
    for path in inputs:
        if path.suffix in _SUFFIXES:
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    place = cache / digest.hexdigest()
    if place.is_dir():
        return place
    try:
        cache.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix="making-", dir=cache))
    except OSError as problem:
        raise ToolError(f"cannot write {cache}: {problem.strerror}", hint="set PATCHKIT_CACHE") from problem
    try:
        make(partial)
        partial.chmod(0o755)
        try:
            partial.rename(place)
        except OSError:
            if not place.is_dir():  # otherwise another process was quicker with the same
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return place


def _options(path: Path) -> list[str]:
    """Return the options in a file, one in each line; `#` begins a comment."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
