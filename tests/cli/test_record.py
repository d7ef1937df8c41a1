"""`patchkit record` and `patchkit cc`."""

import sys
from pathlib import Path

from tests.cli.conftest import OLD
from tests.support import patchkit, run, write_tree


def test_record_says_what_was_built_and_leaves_the_output_of_the_build_alone(tmp_path: Path) -> None:
    write_tree(tmp_path, OLD)
    done = patchkit("record", "--", "make", cwd=tmp_path)
    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines()[-1] == "recorded 3 sources and 2 programs: server, tool"
    assert "cc -g -O1" in done.err
    assert run("./server", cwd=tmp_path).code == 0


def test_record_of_a_folder_below_the_version(tmp_path: Path) -> None:
    write_tree(tmp_path / "src", OLD)
    done = patchkit("record", "--root", "..", "make", "server", cwd=tmp_path / "src")
    assert done.err.splitlines()[-1] == "recorded 2 sources and 1 program: server"
    assert (tmp_path / ".patchkit").is_dir()


def test_a_build_that_fails_is_an_error_that_names_the_command(tmp_path: Path) -> None:
    write_tree(tmp_path, {**OLD, "list.c": "int broken(\n"})
    done = patchkit("record", "make", cwd=tmp_path)
    assert done.code == 2
    assert "error: make failed with exit code 2" in done.err
    assert "list.c" in done.err.splitlines()[-1]


def test_a_build_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    done = patchkit("record", "--", "no-such-build", cwd=tmp_path)
    assert done.code == 2
    assert done.err.startswith("error: no-such-build was not found\nhint: ")


def test_cc_compiles_and_is_recorded(tmp_path: Path) -> None:
    write_tree(tmp_path, OLD)
    compiler = f"{sys.executable} -m patchkit cc"
    assert run("make", f"CC={compiler}", "server", cwd=tmp_path).code == 0
    done = patchkit("read", ".", "-o", "model.json", cwd=tmp_path)
    assert done.code == 0, done.err
    assert done.err.startswith("read 2 units, ")


def test_cc_ends_as_the_compiler_does_and_passes_every_option(tmp_path: Path) -> None:
    assert patchkit("cc", "--version", cwd=tmp_path) == run("cc", "--version", cwd=tmp_path)
    failed = patchkit("cc", "-c", "absent.c", cwd=tmp_path)
    assert failed.code == 1
    assert "absent.c: No such file" in failed.err
