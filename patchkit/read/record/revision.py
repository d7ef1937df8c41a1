"""Reading a git revision: checked out once per tree into the cache, and built there if it is told how."""

import difflib
import hashlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from patchkit.errors import InputError, ToolError
from patchkit.model.build import Recording
from patchkit.read.record.database import NAME, recording_from_commands
from patchkit.read.record.directory import recording_from_directory
from patchkit.read.record.loading import load_recording
from patchkit.read.record.preprocess import Progress
from patchkit.read.record.recorder import record_build, refresh
from patchkit.read.record.store import locked

INDEX = (":index", ":0", ":")


def recording_of_revision(
    repository: Path,
    revision: str,
    build: str | None,
    *,
    cache: Path,
    environ: Mapping[str, str],
    jobs: int = 2,
    progress: Progress | None = None,
) -> Recording:
    """Return the recording of `revision` (`:index` for what is staged) of the git repository at `repository`.

    The tree is checked out into `cache`, without a change to the repository or its work tree, and the shell command
    `build` is recorded there; a tree that was built so before is not built again. Without `build` a
    compile_commands.json of its own is read, or else the plain directory. If `repository` is a directory inside the
    work tree, only that directory of the revision is built and read. Raises InputError for what is no repository or no
    revision, BuildError where the build fails.
    """
    git = _find_repository(repository, environ)
    tree = git.tree(revision)
    label = hashlib.blake2b(os.fsencode(git.directory), digest_size=6).hexdigest()
    command = hashlib.blake2b((build or "").encode(), digest_size=4).hexdigest()
    place = cache / "revisions" / f"{git.name}-{label}" / (f"{tree}-{command}" if build else tree)
    place.mkdir(parents=True, exist_ok=True)
    _prune(place)
    checkout = place / "tree"
    with locked(place):
        if not (place / "checked-out").exists():
            if progress is not None:
                progress("checkout", 0, 1)
            shutil.rmtree(checkout, ignore_errors=True)
            git.check_out(tree, checkout)
            (place / "checked-out").touch()
        root = checkout / git.prefix
        if not root.is_dir():
            raise InputError(f"{revision} has no directory {git.prefix}", hint=f"it is in {git.work_tree} now")
        plain = _outside_git(environ, place)
        if build:
            return _built(root, build, place, environ=plain, jobs=jobs, progress=progress)
        if (root / NAME).is_file() and (found := _own_commands(root, cache, plain, jobs, progress)) is not None:
            return found
        return recording_from_directory(root, jobs=jobs, environ=plain, cache=cache, progress=progress)


_KEPT = 8
_UNUSED = 7 * 86400


def _prune(place: Path) -> None:
    """Mark `place` as used now, and remove those beside it that nobody used for a week, but for the last few."""
    os.utime(place)
    latest = sorted(place.parent.iterdir(), key=lambda other: other.stat().st_mtime, reverse=True)
    for other in latest[_KEPT:]:
        if other.stat().st_mtime < time.time() - _UNUSED:
            shutil.rmtree(other, ignore_errors=True)


def _built(
    root: Path, build: str, place: Path, *, environ: Mapping[str, str], jobs: int, progress: Progress | None
) -> Recording:
    mark = place / "built"
    if mark.exists() and (known := load_recording(root, jobs=jobs, environ=environ)) is not None:
        return refresh(known, jobs=jobs, environ=environ, progress=progress)
    # What a failed build left behind must not stay: the next attempt starts from the tree alone.
    (place / "checked-out").unlink()
    recording = record_build(["sh", "-c", build], root, environ=environ, jobs=jobs, progress=progress)
    (place / "checked-out").touch()
    mark.touch()
    return recording


def _own_commands(
    root: Path, cache: Path, environ: Mapping[str, str], jobs: int, progress: Progress | None
) -> Recording | None:
    """Return what the compile_commands.json at `root` says, None where it is about files that lie elsewhere."""
    try:
        found = recording_from_commands(
            root / NAME, jobs=jobs, environ=environ, cache=cache, progress=progress, root=root
        )
    except InputError:
        return None
    inside = f"{root}{os.sep}"
    return found if all(unit.command.source.startswith(inside) for unit in found.units) else None


# What git tells its hooks about the repository; inside another tree it would lead astray.
_LOCAL_VARIABLES = (
    "GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_COMMON_DIR"
    " GIT_PREFIX GIT_NAMESPACE GIT_CONFIG GIT_CONFIG_PARAMETERS GIT_CONFIG_COUNT GIT_GRAFT_FILE GIT_SHALLOW_FILE"
    " GIT_IMPLICIT_WORK_TREE GIT_NO_REPLACE_OBJECTS GIT_REPLACE_REF_BASE GIT_INTERNAL_SUPER_PREFIX".split()
)


def _outside_git(environ: Mapping[str, str], place: Path) -> dict[str, str]:
    """Return `environ` for a build below `place`, which must not take a repository around the cache for its own."""
    plain = {name: value for name, value in environ.items() if name not in _LOCAL_VARIABLES}
    return {**plain, "GIT_CEILING_DIRECTORIES": str(place)}


@dataclass(frozen=True, slots=True)
class _Repository:
    """A git repository: its own `directory`, its `work_tree` (None for a bare one), and the directory asked for."""

    directory: Path
    work_tree: Path | None
    prefix: str
    environ: Mapping[str, str]

    @property
    def name(self) -> str:
        """A readable part for the names of directories."""
        top = self.work_tree or self.directory
        return re.sub(r"[^\w.-]", "_", top.name.removesuffix(".git")) or "repository"

    def run(self, *arguments: str, index: Path | None = None, work_tree: Path | None = None) -> str:
        """Return what git prints; raises ToolError with git's own message where it fails."""
        environ = {**self.environ, "LC_ALL": "C"}
        if index is not None:
            environ = {name: value for name, value in environ.items() if name not in _LOCAL_VARIABLES}
            environ["GIT_INDEX_FILE"] = str(index)
        top = work_tree or self.work_tree
        options = [f"--git-dir={self.directory}", *([f"--work-tree={top}"] if top else [])]
        done = _git([*options, *arguments], top or self.directory, environ)
        if done.returncode != 0:
            raise ToolError(f"git {arguments[0]}: {_message(done)}")
        return done.stdout

    def tree(self, revision: str) -> str:
        """Return the id of the tree that `revision` names."""
        if revision in INDEX:
            try:
                return self.run("write-tree").strip()
            except ToolError as error:
                raise InputError(
                    f"the index of {self.work_tree} is no tree: {error.message}",
                    hint="resolve the conflicts, or name a commit",
                ) from error
        try:
            return self.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{tree}}").strip()
        except ToolError as error:
            names = self.run("for-each-ref", "--format=%(refname:short)").split()
            near = difflib.get_close_matches(revision, names, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else "git log shows what there is"
            raise InputError(f"{revision} is no revision of {self.work_tree or self.directory}", hint=hint) from error

    def check_out(self, tree: str, target: Path) -> None:
        """Write the files of `tree` into `target`, and those of the submodules that the work tree has."""
        target.mkdir(parents=True)
        index = target.with_name("index")
        index.unlink(missing_ok=True)
        self.run("read-tree", tree, index=index, work_tree=target)
        self.run("checkout-index", "--all", "--force", "--quiet", index=index, work_tree=target)
        staged = self.run("ls-files", "--stage", "-z", index=index, work_tree=target)
        index.unlink()
        for entry in staged.split("\0"):
            if entry.startswith("160000 ") and self.work_tree is not None:
                head, _, path = entry.partition("\t")
                self.check_out_submodule(head.split()[1], self.work_tree / path, target / path)
        _align_times(target)

    def check_out_submodule(self, commit: str, source: Path, target: Path) -> None:
        if not (source / ".git").exists():
            return  # it was never fetched; a build that needs it says so
        shutil.rmtree(target, ignore_errors=True)
        plain = {name: value for name, value in self.environ.items() if name not in _LOCAL_VARIABLES}
        module = _find_repository(source, plain)
        module.check_out(module.tree(commit), target)


def _align_times(directory: Path) -> None:
    """Give all files one time, before now: in order of checkout a generated file can look older than its source."""
    then = time.time() - 60
    for place, _, names in os.walk(directory):
        for name in names:
            os.utime(os.path.join(place, name), (then, then), follow_symlinks=False)


def _find_repository(path: Path, environ: Mapping[str, str]) -> _Repository:
    if not path.is_dir():
        raise InputError(f"{path} is not a directory", hint="name the directory of a git repository")
    found = _git(["rev-parse", "--absolute-git-dir", "--is-bare-repository", "--show-prefix"], path, environ)
    if found.returncode != 0:
        raise InputError(
            f"{path} is in no git repository: {_message(found)}", hint="name the directory of a git repository"
        )
    directory, bare, prefix = [*found.stdout.split("\n"), ""][:3]
    if bare == "true":
        return _Repository(Path(directory), None, "", environ)
    top = _git(["rev-parse", "--show-toplevel"], path, environ)
    if top.returncode != 0:
        raise InputError(f"{path} is in no work tree: {_message(top)}", hint="name the directory of a git repository")
    return _Repository(Path(directory), Path(top.stdout.rstrip("\n")), prefix, environ)


def _git(arguments: Sequence[str], directory: Path, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["git", *arguments],
            check=False,
            cwd=directory,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
        )
    except OSError as error:
        raise ToolError(f"cannot run git: {error.strerror}", hint="install git, or name directories instead") from error


def _message(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip().removeprefix("fatal: ") for line in done.stderr.splitlines() if line.strip()]
    return lines[0] if lines else f"exit code {done.returncode}"
