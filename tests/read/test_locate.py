"""What a version argument names."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from patchkit.errors import InputError, ToolError
from patchkit.read.locate import (
    CommandsFile,
    Directory,
    ElfFile,
    Place,
    Revision,
    SavedModel,
    Worktree,
    locate,
    snapshot,
)
from tests.support import run, write_tree


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Give a repository with a commit tagged v1.0, and a second one."""
    root = write_tree(tmp_path / "repository", {"main.c": "int main(void) { return 0; }\n", "src/a.c": "int a;\n"})
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"], ["tag", "v1.0"]):
        assert run("git", *who, *command, cwd=root).code == 0
    write_tree(root, {"main.c": "int main(void) { return 1; }\n"})
    assert run("git", *who, "commit", "-qam", "two", cwd=root).code == 0
    return root


def commit(repository: Path, name: str) -> str:
    return run("git", "rev-parse", name, cwd=repository).out.strip()


def at(spec: str, directory: Path) -> Place:
    return locate(spec, directory, os.environ)


def test_paths(tmp_path: Path) -> None:
    write_tree(tmp_path, {"tree/a.c": "", "commands.json": '[{"file": "a.c"}]', "model.json": '\n {"format": 1}'})
    shutil.copy(sys.executable, tmp_path / "program")
    assert at("tree", tmp_path) == Directory(tmp_path / "tree")
    assert at(str(tmp_path / "tree"), Path("/")) == Directory(tmp_path / "tree")
    assert at("commands.json", tmp_path) == CommandsFile(tmp_path / "commands.json")
    assert at("model.json", tmp_path) == SavedModel(tmp_path / "model.json")
    assert at("program", tmp_path) == ElfFile(tmp_path / "program")


@pytest.mark.parametrize("spec", ["v1.0", "HEAD~1", "refs/tags/v1.0"])
def test_revisions_become_full_names(spec: str, repository: Path) -> None:
    assert at(spec, repository) == Revision(repository, commit(repository, "v1.0^{commit}"))


def test_index_and_work_tree(repository: Path) -> None:
    assert at(":index", repository) == Revision(repository, ":index")
    assert at(":0", repository) == Revision(repository, ":index")
    assert at(":worktree", repository) == Worktree(repository)


@pytest.mark.parametrize("mark", ["patchkit.toml", ".patchkit/recording.json"])
def test_below_a_project_the_whole_project_is_meant(mark: str, repository: Path) -> None:
    write_tree(repository, {mark: "", "src/deep/b.c": ""})
    assert at(":worktree", repository / "src/deep") == Worktree(repository)
    assert at("v1.0", repository / "src/deep") == Revision(repository, commit(repository, "v1.0"))


def test_without_a_project_the_current_directory_is_meant(repository: Path) -> None:
    assert at(":worktree", repository / "src") == Worktree(repository / "src")


def test_a_snapshot_holds_what_is_there_and_changes_nothing(repository: Path) -> None:
    write_tree(
        repository,
        {"main.c": "int changed;\n", "src/new.c": "int new;\n", "left.o": "", ".gitignore": "log\n", "log": ""},
    )
    (repository / "src/a.c").unlink()
    before = run("git", "status", "--short", cwd=repository).out
    tree = snapshot(repository / "src", os.environ)
    listed = run("git", "ls-tree", "-r", "--name-only", tree, cwd=repository).out.split()
    assert listed == [".gitignore", "main.c", "src/new.c"]
    assert run("git", "show", f"{tree}:main.c", cwd=repository).out == "int changed;\n"
    assert run("git", "status", "--short", cwd=repository).out == before


def test_a_path_goes_before_a_revision_of_the_same_name(repository: Path) -> None:
    (repository / "v1.0").mkdir()
    assert at("v1.0", repository) == Directory(repository / "v1.0")
    assert at("refs/tags/v1.0", repository) == Revision(repository, commit(repository, "v1.0"))


def test_a_revision_of_a_bare_repository(repository: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    assert run("git", "clone", "-q", "--bare", str(repository), str(bare), cwd=tmp_path).code == 0
    assert at("v1.0", bare) == Revision(bare, commit(repository, "v1.0"))
    with pytest.raises(InputError, match=":worktree needs a git work tree"):
        at(":worktree", bare)


def test_what_does_not_exist_gets_suggestions(repository: Path) -> None:
    with pytest.raises(InputError, match=r"`v1\.1` is no file or directory here and no revision") as caught:
        at("v1.1", repository)
    assert "`v1.0`" in caught.value.hint
    with pytest.raises(InputError) as caught:
        at("src/b.c", repository)
    assert "`src/a.c`" in caught.value.hint


@pytest.mark.parametrize("spec", ["", "--help", "HEAD:main.c", "-x"])
def test_what_names_no_version_is_an_error_and_never_an_option_of_git(spec: str, repository: Path) -> None:
    with pytest.raises(InputError):
        at(spec, repository)


def test_outside_of_a_repository_the_index_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a git repository"):
        at(":index", tmp_path)


def test_without_git_the_index_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="git cannot be run"):
        locate(":index", tmp_path, {"PATH": str(tmp_path)})
    with pytest.raises(InputError):
        locate("v1.0", tmp_path, {"PATH": str(tmp_path)})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository to someone else")
def test_a_repository_that_git_distrusts_is_reported_with_what_git_advises(repository: Path) -> None:
    os.chown(repository, 12345, 12345)
    os.chown(repository / ".git", 12345, 12345)
    with pytest.raises(InputError, match="dubious ownership") as caught:
        at("v1.0", repository)
    assert caught.value.hint.startswith("git config --global --add safe.directory")


def test_other_files_are_errors(tmp_path: Path) -> None:
    write_tree(tmp_path, {"main.c": "int main;\n", "empty": ""})
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match=r"main\.c is neither an ELF file"):
        at("main.c", tmp_path)
    with pytest.raises(InputError, match="empty is neither"):
        at("empty", tmp_path)
    with pytest.raises(InputError, match="pipe is a device or a pipe"):
        at("pipe", tmp_path)
