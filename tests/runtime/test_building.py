"""The builder of the C runtime: whole or not at all, once for the same inputs, and clear where it cannot work."""

import ctypes
import os
from pathlib import Path

import pytest

from patchkit.errors import ToolError
from patchkit.runtime.building import build_program, build_runtime
from tests.support import run, write_tree

SOURCES = {
    "src/one.c": '#include "patchkit.h"\n__attribute__((visibility("default"))) int pk_answer(void) { return SAID; }\n',
    "arch/two.c": "int pk__two = BONUS;\n",
    "include/patchkit.h": "#define SAID 42\nint pk_answer(void);\n",
    "flags": "# for the tests\n-O1\n-fPIC\n-DBONUS=2\n",
}


def test_both_libraries_are_made_and_can_be_used(tmp_path: Path) -> None:
    place = build_runtime(write_tree(tmp_path / "home", SOURCES), tmp_path / "cache", None)
    assert ctypes.CDLL(str(place / "libpatchkit.so")).pk_answer() == 42
    user = write_tree(tmp_path, {"user.c": "int pk_answer(void); int main(void) { return pk_answer(); }\n"}) / "user.c"
    made = run("cc", "-o", "user", str(user), f"-L{place / 'static'}", "-lpatchkit", cwd=tmp_path)
    assert made.code == 0, made.err
    assert run("./user", cwd=tmp_path).code == 42
    assert sorted(path.name for path in place.rglob("*")) == ["libpatchkit.a", "libpatchkit.so", "static"]


def test_the_same_inputs_are_compiled_once_and_other_ones_again(tmp_path: Path) -> None:
    home, cache = write_tree(tmp_path / "home", SOURCES), tmp_path / "cache"
    first = build_runtime(home, cache, None)
    made = (first / "libpatchkit.so").stat().st_ino
    assert build_runtime(home, cache, None) == first
    assert (first / "libpatchkit.so").stat().st_ino == made
    write_tree(home, {"include/patchkit.h": "#define SAID 43\nint pk_answer(void);\n"})
    header = build_runtime(home, cache, None)
    write_tree(home, {"flags": "-fPIC\n-DBONUS=3\n"})
    assert len({first, header, build_runtime(home, cache, None)}) == 3


def test_a_failure_leaves_nothing_and_says_what_the_compiler_said(tmp_path: Path) -> None:
    home = write_tree(tmp_path / "home", {**SOURCES, "src/one.c": "int broken( { }\n"})
    with pytest.raises(ToolError, match=r"one\.c failed: .*one\.c:1:.*error") as caught:
        build_runtime(home, tmp_path / "cache", None)
    assert "compiler" in caught.value.hint
    assert list((tmp_path / "cache/runtime").iterdir()) == []


def test_no_compiler_is_an_error_that_says_what_to_install(tmp_path: Path) -> None:
    home = write_tree(tmp_path / "home", SOURCES)
    with pytest.raises(ToolError, match="no C compiler") as caught:
        build_runtime(home, tmp_path / "cache", {"PATH": str(tmp_path)})
    assert "gcc or clang" in caught.value.hint


def test_a_preloaded_library_does_not_reach_the_compiler(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "tool", {"tool.c": "int main(void) { return 7; }\n"})
    environ = {**os.environ, "LD_PRELOAD": "/does/not/exist.so"}
    assert run(str(build_program(folder, "tool", tmp_path / "cache", environ)), cwd=tmp_path).code == 7


def test_an_unwritable_cache_is_an_error_that_says_how_to_move_it(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(ToolError, match="cannot write") as caught:
        build_runtime(write_tree(tmp_path / "home", SOURCES), tmp_path / "cache", None)
    assert "PATCHKIT_CACHE" in caught.value.hint
