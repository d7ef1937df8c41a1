"""Compilation databases and plain directories."""

import json
import os
from pathlib import Path

import pytest

from patchkit.errors import InputError
from patchkit.read.record import recording_from_commands, recording_from_directory, refresh, stale_sources
from tests.support import needs, run, write_tree
from tests.support.builds import SOURCES, relative, sources, text, unit


def commands(root: Path, *entries: object, name: str = "compile_commands.json") -> Path:
    write_tree(root, {name: json.dumps(entries)})
    return root / name


def test_commands_as_text_and_as_a_list(tmp_path: Path) -> None:
    write_tree(tmp_path, SOURCES)
    path = commands(
        tmp_path,
        {"directory": str(tmp_path), "command": 'cc "-DA=\\"x y\\"" -c main.c -o m.o', "file": "main.c"},
        {"directory": str(tmp_path), "arguments": ["cc", "-c", "helper.c"], "file": str(tmp_path / "helper.c")},
    )
    recording = recording_from_commands(path, jobs=2, environ=os.environ, cache=tmp_path / "cache")
    assert sources(recording) == ["helper.c", "main.c"]
    assert unit(recording, "main.c").command.arguments == ("cc", '-DA="x y"', "-c", "main.c", "-o", "m.o")
    assert unit(recording, "main.c").command.output == str(tmp_path / "m.o")
    assert "return 1" in text(recording, unit(recording, "helper.c"))
    assert (recording.root, recording.exact, recording.programs) == (str(tmp_path), True, ())
    assert Path(recording.store).is_relative_to(tmp_path / "cache")
    assert not (tmp_path / ".patchkit").exists()


@needs("cmake")
def test_what_cmake_writes_beside_the_sources(tmp_path: Path) -> None:
    files = {"CMakeLists.txt": "project(x C)\nadd_executable(prog src/main.c src/helper.c)\n"}
    write_tree(tmp_path, files | {f"src/{name}": content for name, content in SOURCES.items()})
    run("cmake", "-S", ".", "-B", "build", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", cwd=tmp_path)
    recording = recording_from_commands(tmp_path / "build", jobs=2, environ=os.environ, cache=tmp_path / "cache")
    assert sources(recording) == ["src/helper.c", "src/main.c"]
    assert [item.problem for item in recording.units] == ["", ""]


def test_a_launcher_and_a_response_file(tmp_path: Path) -> None:
    write_tree(tmp_path, {**SOURCES, "flags.rsp": "-DX -I."})
    path = commands(tmp_path, {"directory": ".", "command": "ccache cc @flags.rsp -c main.c", "file": "main.c"})
    recording = recording_from_commands(path, jobs=1, environ=os.environ, cache=tmp_path / "cache")
    assert unit(recording, "main.c").command.arguments == ("cc", "-DX", "-I.", "-c", "main.c")


def test_a_source_listed_twice_counts_once_and_other_languages_are_named(tmp_path: Path) -> None:
    write_tree(tmp_path, {**SOURCES, "plus.cc": ""})
    entry = {"directory": ".", "command": "cc -c main.c", "file": "main.c"}
    other = {"directory": ".", "command": "c++ -c plus.cc", "file": "plus.cc"}
    path = commands(tmp_path, entry, entry, other)
    recording = recording_from_commands(path, jobs=1, environ=os.environ, cache=tmp_path / "cache")
    problems = {relative(recording, item.command.source): item.problem for item in recording.units}
    assert problems == {"main.c": "", "plus.cc": "C++ is not read"}


def test_an_edit_afterwards_is_seen(tmp_path: Path) -> None:
    write_tree(tmp_path, SOURCES)
    path = commands(tmp_path, {"directory": ".", "command": "cc -c helper.c", "file": "helper.c"})
    recording = recording_from_commands(path, jobs=1, environ=os.environ, cache=tmp_path / "cache")
    (tmp_path / "helper.h").write_text("#define ANSWER 7\n")
    assert stale_sources(recording) == [str(tmp_path / "helper.h")]
    for current in (
        refresh(recording, jobs=1, environ=os.environ),
        recording_from_commands(path, jobs=1, environ=os.environ, cache=tmp_path / "cache"),
    ):
        assert "return 7" in text(current, unit(current, "helper.c"))


def test_a_compiler_that_is_not_here(tmp_path: Path) -> None:
    write_tree(tmp_path, SOURCES)
    path = commands(tmp_path, {"directory": ".", "command": "no-such-cc -c main.c", "file": "main.c"})
    recording = recording_from_commands(path, jobs=1, environ=os.environ, cache=tmp_path / "cache")
    problem = unit(recording, "main.c").problem
    assert problem == "cannot run the compiler: no-such-cc: No such file or directory"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("{}", "is not a list of commands"),
        ("[]", "names no source"),
        ("[3]", "entry 1 is no compile command"),
        ('[{"directory": "/", "file": "a.c"}]', "entry 1 is no compile command"),
        ('[{"directory": 1, "file": "a.c", "command": "cc a.c"}]', "entry 1 is no compile command"),
    ],
)
def test_files_that_are_no_database(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "compile_commands.json"
    path.write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        recording_from_commands(path, jobs=1, environ=os.environ, cache=tmp_path / "cache")
    assert str(path) in caught.value.message


def test_a_database_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        recording_from_commands(tmp_path, jobs=1, environ=os.environ, cache=tmp_path / "cache")


def test_a_plain_directory(tmp_path: Path) -> None:
    files = {
        "src/main.c": '#include "helper.h"\n#include <deep.h>\n#include <string.h>\nint main(void) { return DEEP; }\n',
        "src/helper.c": '#ifdef HAVE_CONFIG_H\n#include "config.h"\n#endif\nint helper(void) { return SET; }\n',
        "include/helper.h": "int helper(void);\n",
        "some/where/else/deep.h": "#define DEEP 9\n",
        "compat/string.h": "#error the system's own must be read\n",
        "config.h": "#define SET 3\n",
        ".hidden/no.c": "#error not a part\n",
    }
    root = write_tree(tmp_path / "root", files)
    recording = recording_from_directory(root, jobs=2, environ=os.environ, cache=tmp_path / "cache")
    assert sources(recording) == ["src/helper.c", "src/main.c"]
    assert [item.problem for item in recording.units] == ["", ""]
    assert not recording.exact
    assert str(root / "some/where/else/deep.h") in (recording.digests or {})
    assert "return 3" in text(recording, unit(recording, "src/helper.c"))
    assert not (root / ".patchkit").exists()


def test_a_plain_directory_with_a_source_that_needs_more(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "root", {"a.c": "int a;\n", "b.c": '#include "generated.h"\n'})
    recording = recording_from_directory(root, jobs=2, environ=os.environ, cache=tmp_path / "cache")
    assert unit(recording, "a.c").problem == ""
    assert "generated.h: No such file" in unit(recording, "b.c").problem


def test_a_directory_without_c(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no C source"):
        recording_from_directory(tmp_path, jobs=1, environ=os.environ, cache=tmp_path / "cache")
