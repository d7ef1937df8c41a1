"""The preprocessed text of a unit: what the compiler read, the same from run to run and from place to place."""

import os
import re
from pathlib import Path

import pytest

from patchkit.model.build import Recording
from tests.support import needs, write_tree
from tests.support.builds import shell, text, unit

COMPILERS = ["gcc", pytest.param("clang", marks=needs("clang"))]

SOURCE = """#include "config.h"
const char *when = __DATE__ __TIME__ __TIMESTAMP__;
const char *where = __FILE__;
int line = __LINE__;
#define COLOUR 3
#undef COLOUR
int main(void) { return SIZE; }
"""


def compiled(root: Path, compiler: str, options: str = "") -> Recording:
    write_tree(root, {"src/main.c": SOURCE, "config.h": "#define SIZE 12\n"})
    return shell(root, f"cd src; {compiler} -I.. {options} -c main.c -o main.o; {compiler} -o ../prog main.o")


@pytest.mark.parametrize("compiler", COMPILERS)
def test_macros_line_markers_and_constant_times(tmp_path: Path, compiler: str) -> None:
    recording = compiled(tmp_path, compiler)
    read = text(recording, unit(recording, "src/main.c"))
    assert "int main(void) { return 12; }" in read
    assert "#define SIZE 12" in read
    assert "#define COLOUR 3" in read
    assert "#undef COLOUR" in read
    assert "int line = 0;" in read
    assert 'when = "" "" "";' in read
    assert re.search(r'^# 1 "\.\./config\.h" 1', read, re.MULTILINE)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_place_of_the_tree_does_not_show_in_strings(tmp_path: Path, compiler: str) -> None:
    recording = compiled(tmp_path, compiler)
    absolute = shell(tmp_path, f"{compiler} -o prog $PWD/src/main.c -I.")
    for each in (recording, absolute):
        (line,) = re.findall(r"where = .*", text(each, unit(each, "src/main.c")))
        assert str(tmp_path) not in line


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize(
    "options",
    [
        "-MD",
        "-MMD -MF own.d -MT x -MP",
        "-MMD -MFown.d -MTx",
        "-Wp,-MD,own.d",
        "-save-temps",
        "-g -O2 -fPIC -pthread -Werror -Wall",
    ],
)
def test_reading_again_writes_no_file_of_the_build(tmp_path: Path, compiler: str, options: str) -> None:
    recording = compiled(tmp_path, compiler, options)
    assert unit(recording, "src/main.c").problem == ""
    linked = (tmp_path / "prog").stat().st_mtime_ns
    later = [
        path.name
        for path in tmp_path.rglob("*")
        if ".patchkit" not in path.parts and path.is_file() and path.stat().st_mtime_ns > linked
    ]
    assert later == []


def test_the_files_that_were_read_are_in_the_digests(tmp_path: Path) -> None:
    recording = compiled(tmp_path, "gcc")
    own = {os.path.relpath(path, tmp_path) for path in recording.digests or {} if path.startswith(str(tmp_path))}
    assert own == {"src/main.c", "config.h"}
    assert all(re.fullmatch("[0-9a-f]{32}", digest) for digest in (recording.digests or {}).values())


def test_files_included_by_options_are_read(tmp_path: Path) -> None:
    write_tree(tmp_path, {"main.c": "int main(void) { return A + B; }\n"})
    write_tree(tmp_path, {"a.h": "#define A 1\n", "b.h": "#define B 2\nint not_this;\n"})
    recording = shell(tmp_path, "gcc -include a.h -imacros b.h main.c")
    assert "return 1 + 2" in text(recording, unit(recording, "main.c"))
    assert {str(tmp_path / "a.h"), str(tmp_path / "b.h")} <= set(recording.digests or {})


def test_a_source_whose_language_is_told(tmp_path: Path) -> None:
    write_tree(tmp_path, {"main.inc": "int main(void) { return VALUE; }\n", "other.o": ""})
    recording = shell(
        tmp_path, "echo 'int other;' | gcc -x c -c - -o other.o; gcc -DVALUE=4 -x c main.inc -x none other.o"
    )
    assert "return 4" in text(recording, unit(recording, "main.inc"))


def test_a_source_that_is_preprocessed_already(tmp_path: Path) -> None:
    write_tree(tmp_path, {"main.c": "#define VALUE 4\nint main(void) { return VALUE; }\n"})
    recording = shell(tmp_path, "gcc -E main.c -o main.i; gcc main.i")
    assert "return 4" in text(recording, unit(recording, "main.i"))


def test_equal_texts_are_kept_once(tmp_path: Path) -> None:
    write_tree(tmp_path, {"main.c": "int main(void) { return 0; }\n"})
    recording = shell(tmp_path, "gcc -c main.c -o 1.o; gcc -c -Wall main.c -o 2.o; gcc 1.o -o 1; gcc 2.o -o 2")
    assert len(recording.units) == 2
    assert len(list((tmp_path / ".patchkit/texts").iterdir())) == 1
