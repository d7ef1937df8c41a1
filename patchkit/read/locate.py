"""What a version argument names: a directory, a git revision, an ELF file, a saved model or compile commands."""

import difflib
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from patchkit.errors import InputError, ToolError

ELF_MAGIC = b"\x7fELF"
WORKTREE = ":worktree"
INDEX = (":index", ":0")
_MARKS = ("patchkit.toml", ".patchkit")
_BUILT = ("o", "lo", "a", "so", "d", "gch")


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory that holds the source."""

    path: Path


@dataclass(frozen=True, slots=True)
class Worktree:
    """The part below `directory` of a git work tree, as it is now."""

    directory: Path


@dataclass(frozen=True, slots=True)
class Revision:
    """The part below `directory` of a commit, by its full name, or of the index (`name` is then `:index`)."""

    directory: Path
    name: str


@dataclass(frozen=True, slots=True)
class ElfFile:
    """An executable, shared library or object."""

    path: Path


@dataclass(frozen=True, slots=True)
class SavedModel:
    """A `Program` that was saved."""

    path: Path


@dataclass(frozen=True, slots=True)
class CommandsFile:
    """A compilation database. Source: clang's JSON Compilation Database format."""

    path: Path


Place = Directory | Worktree | Revision | ElfFile | SavedModel | CommandsFile


def locate(spec: str, directory: Path, environ: Mapping[str, str]) -> Place:
    """Return what `spec` names, seen from `directory`; a path that exists goes before a revision of the same name.

    Of a repository that part is meant which `directory` belongs to: the nearest directory, itself or above it, that has
    settings or a recorded build, else `directory` itself. Raises InputError for what is none of the kinds, ToolError
    where git fails.
    """
    if spec == WORKTREE:
        return Worktree(_project(directory, environ, spec))
    if spec in INDEX:
        return Revision(_project(directory, environ, spec), INDEX[0])
    path = directory / spec
    if spec and path.is_dir():
        return Directory(path.resolve())
    if spec and path.exists():
        return _file(path.resolve(), spec)
    name = _commit(spec, directory, environ)
    if name is None:
        raise _unknown(spec, directory, environ)
    return Revision(_project(directory, environ, spec), name)


def snapshot(directory: Path, environ: Mapping[str, str]) -> str:
    """Return the id of a git tree that holds the work tree around `directory` as it is now, but for ignored files.

    New files count too, except what compilers leave; index, branches and files stay as they are. Raises ToolError.
    """
    import shutil  # these two are dear, and only a work tree needs them
    import tempfile

    top = Path(_expect(_git(directory, environ, "rev-parse", "--show-toplevel")))
    with tempfile.TemporaryDirectory() as folder:
        own = {**environ, "GIT_INDEX_FILE": str(Path(folder) / "index")}
        index = directory / _expect(_git(directory, environ, "rev-parse", "--git-path", "index"))
        if index.exists():  # git then need not read every file; by its time it knows which to read nevertheless
            shutil.copy2(index, own["GIT_INDEX_FILE"])
        _expect(_git(top, own, "add", "--all", "--", ".", *(f":(exclude)*.{suffix}" for suffix in _BUILT)))
        return _expect(_git(top, own, "write-tree"))


def _expect(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise ToolError(f"git {done.args[3]}: {said[0] if said else f'exit code {done.returncode}'}")
    return done.stdout.strip()


def _file(path: Path, spec: str) -> Place:
    if not path.is_file():
        raise InputError(f"{spec} is a device or a pipe", hint="name a file or a directory")
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as problem:
        raise InputError(f"{spec} cannot be read: {problem.strerror}") from problem
    if start.startswith(ELF_MAGIC):
        return ElfFile(path)
    match start.lstrip()[:1]:
        case b"[":
            return CommandsFile(path)
        case b"{":
            return SavedModel(path)
    raise InputError(
        f"{spec} is neither an ELF file, a saved model nor a compile_commands.json",
        hint="name the source directory, or the executable that was built from it",
    )


def _commit(spec: str, directory: Path, environ: Mapping[str, str]) -> str | None:
    """Return the full name of the commit that `spec` names, None where it names none."""
    if not spec:
        return None
    try:
        done = _git(directory, environ, "rev-parse", "--verify", "--quiet", "--end-of-options", spec + "^{commit}")
    except ToolError:
        return None
    said = done.stderr.strip()
    if done.returncode > 1 and said and "not a git repository" not in said:
        first, *rest = said.removeprefix("fatal: ").splitlines()
        advice = [line.strip() for line in rest if line.strip().startswith("git ")]
        raise InputError(f"git does not read the repository at {directory}: {first}", hint="; ".join(advice))
    return done.stdout.strip() if done.returncode == 0 else None


def _project(directory: Path, environ: Mapping[str, str], spec: str) -> Path:
    done = _git(directory, environ, "rev-parse", "--show-toplevel")
    if done.returncode == 0:
        top = Path(done.stdout.rstrip("\n"))
        start = directory.resolve()
        above = [folder for folder in (start, *start.parents) if folder.is_relative_to(top)]
        return next((folder for folder in above if any((folder / mark).exists() for mark in _MARKS)), start)
    bare = _git(directory, environ, "rev-parse", "--absolute-git-dir")
    if bare.returncode == 0 and spec not in (WORKTREE, *INDEX):
        return Path(bare.stdout.rstrip("\n"))
    said = done.stderr.strip().removeprefix("fatal: ").splitlines()
    raise InputError(
        f"{spec} needs a git work tree, and {directory} is in none: {said[0] if said else 'git failed'}",
        hint="run patchkit inside the repository, or name directories instead",
    )


def _git(directory: Path, environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["git", "-C", str(directory), *arguments],
            env={**environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )
    except OSError as problem:
        raise ToolError(
            f"git cannot be run: {problem.strerror}", hint="install git, or name directories instead of revisions"
        ) from problem


def _unknown(spec: str, directory: Path, environ: Mapping[str, str]) -> InputError:
    message = f"`{spec}` is no file or directory here and no revision of a git repository here"
    close = difflib.get_close_matches(spec, _candidates(spec, directory, environ), n=3)
    return InputError(message, hint=f"did you mean {', '.join(f'`{name}`' for name in close)}?" if close else _FORMS)


_FORMS = (
    "a version is a directory, a git revision, `:index`, `:worktree`, an ELF file, a saved model or a "
    "compile_commands.json"
)


def _candidates(spec: str, directory: Path, environ: Mapping[str, str]) -> Sequence[str]:
    folder, _ = os.path.split(spec)
    try:
        paths = [os.path.join(folder, name) for name in sorted(os.listdir(directory / folder))]
    except OSError:
        paths = []
    try:
        references = _git(directory, environ, "for-each-ref", "--format=%(refname:short)").stdout.split()
    except ToolError:
        references = []
    return [":index", ":worktree", *paths, *references]
