"""Every kind of file and every place where debug information may lie."""

import gzip
import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from patchkit.errors import InputError
from patchkit.model.program import Program
from patchkit.read.elf import read_elf
from patchkit.read.elf.image import read_image
from patchkit.read.elf.separate import find_debug_file
from tests.support import needs, run, write_tree
from tests.support.elf import COMPILERS, build, read

MAIN = """
#include <stddef.h>
struct state { int a; size_t b; struct state *next; enum { OFF, ON } mode; };
static struct state all[3]; __thread int own; const char *const names[] = { "x" };
int step(struct state *state, int by) { static int calls; calls += by; return state->a + calls + own; }
int main(int argc, char **argv) { return step(all, argc) + (names[0] == argv[0]); }
"""
KINDS = {
    "position independent": ("-pie", "-fPIE"),
    "fixed": ("-no-pie", "-fno-pie"),
    "static": ("-static",),
    "shared": ("-shared", "-fPIC"),
    "object": ("-c",),
    "object in sections": ("-c", "-ffunction-sections", "-fdata-sections"),
    "compressed": ("-gz",),
    "compressed object": ("-c", "-gz"),
    "old": ("-gdwarf-4",),
    "older": ("-gdwarf-3",),
    "oldest": ("-gdwarf-2",),
    "64-bit format": ("-gdwarf64",),
    "type units": ("-fdebug-types-section",),
    "old type units": ("-fdebug-types-section", "-gdwarf-4"),
    "type units in an object": ("-c", "-fdebug-types-section", "-gdwarf-4"),
}


def _said(program: Program) -> object:
    """What is the same of every kind of file."""
    return (
        {key: (r.size, r.align, r.members, r.coord) for key, r in program.records.items()},
        program.enums,
        program.typedefs,
        {key: (v.type, v.size, v.linkage, v.thread_local, v.coord) for key, v in program.variables.items()},
        {key: (f.type, f.linkage, f.parameters, f.coord) for key, f in program.functions.items()},
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("compiler", COMPILERS)
def test_every_kind_of_file_says_the_same(tmp_path: Path, compiler: str, kind: str) -> None:
    plain = read(build(tmp_path, compiler=compiler, main_c=MAIN))
    assert set(plain.variables) == {"main.c:all", "own", "names", "main.c:step:calls"}
    assert _said(read(build(tmp_path, *KINDS[kind], compiler=compiler, main_c=MAIN))) == _said(plain)


@needs("objcopy")
def test_sections_compressed_the_old_way_are_read(tmp_path: Path) -> None:
    path = build(tmp_path, main_c=MAIN)
    expected = _said(read(path))
    subprocess.run(["objcopy", "--compress-debug-sections=zlib-gnu", path], check=True)
    assert _said(read(path)) == expected


@needs("objcopy")
def test_debug_information_beside_the_file_is_found(tmp_path: Path) -> None:
    path = build(tmp_path, main_c=MAIN)
    expected = _said(read(path))
    _split(path, path.with_suffix(".debug"))
    assert _said(read(path)) == expected
    (tmp_path / ".debug").mkdir()
    shutil.move(path.with_suffix(".debug"), tmp_path / ".debug" / "program.debug")
    assert _said(read(path)) == expected


@needs("objcopy")
def test_debug_information_of_another_build_does_not_count(tmp_path: Path) -> None:
    other = build(tmp_path, output="other", main_c=MAIN.replace("int a;", "long a;"))
    path = build(tmp_path, main_c=MAIN)
    _split(path, path.with_suffix(".debug"))
    _split(other, path.with_suffix(".debug"))
    with pytest.raises(InputError, match=r"no debug information|stripped") as error:
        read_elf(path, label="test")
    assert "-g" in error.value.hint


@needs("objcopy")
def test_debug_information_is_found_by_build_id(tmp_path: Path) -> None:
    path = build(tmp_path, "-Wl,--build-id", main_c=MAIN)
    image = read_image(path)
    kept = tmp_path / "debug" / ".build-id" / image.build_id[:2] / f"{image.build_id[2:]}.debug"
    kept.parent.mkdir(parents=True)
    _split(path, kept)
    stripped = read_image(path)
    assert "info" not in stripped.sections
    found = find_debug_file(stripped, tmp_path / "debug")
    assert found is not None
    assert (found.path, found.build_id) == (kept, image.build_id)


def _split(path: Path, debug: Path) -> None:
    """Move the debug information of `path` to `debug`."""
    subprocess.run(["objcopy", "--only-keep-debug", path, debug], check=True)
    subprocess.run(["objcopy", "--strip-all", f"--add-gnu-debuglink={debug}", path], check=True)


@needs("dwz")
@pytest.mark.parametrize("version", ["-gdwarf-4", "-gdwarf-5"])
def test_shared_entries_are_followed(tmp_path: Path, version: str) -> None:
    names = {"main": "other", "step": "more", "own": "owned", "names": "named"}
    second = (
        re.sub(r"\w+", lambda word: names.get(word[0], word[0]), MAIN) + "typedef struct { int q; } unnamed; unnamed u;"
    )
    path = build(tmp_path, version, main_c=MAIN, other_c=second)
    expected = _said(read(path))
    other = tmp_path / "second"
    shutil.copy(path, other)
    subprocess.run(["dwz", "-m", "shared.debug", "-M", "shared.debug", path.name, "second"], cwd=tmp_path, check=True)
    assert _said(read(path)) == expected
    (tmp_path / "shared.debug").unlink()
    with pytest.raises(InputError, match="shares debug information"):
        read_elf(path, label="test")


def test_files_that_are_no_programs_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("int main;")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "short").write_bytes(b"\x7fELF")
    (tmp_path / "packed").write_bytes(gzip.compress(b"\x7fELF"))
    os.mkfifo(tmp_path / "pipe")
    for name in ("text", "empty", "short", "packed", "pipe", "missing", "."):
        with pytest.raises(InputError) as error:
            read_elf(tmp_path / name, label="test")
        assert str(tmp_path) in error.value.message


REFUSED = {
    "no debug information": (("-g0",), "no debug information.*PKB807", "-g"),
    "stripped": (("-g0", "-s"), "stripped.*PKB807", "patchkit record"),
    "split": (("-gsplit-dwarf",), r"\.dwo", "-gsplit-dwarf"),
    "split object": (("-c", "-gsplit-dwarf"), r"\.dwo", "-gsplit-dwarf"),
    "link-time object": (("-c", "-flto", "-fno-fat-lto-objects"), "link-time", "linked program"),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_holds_no_debug_information_is_refused_with_what_to_do(tmp_path: Path, reason: str) -> None:
    flags, message, hint = REFUSED[reason]
    with pytest.raises(InputError, match=message) as error:
        read_elf(build(tmp_path, *flags, main_c=MAIN), label="test")
    assert hint in error.value.hint


def test_bitcode_and_archives_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="bitcode"):
        read_elf(build(tmp_path, "-c", "-flto", compiler="clang", main_c=MAIN), label="test")
    build(tmp_path, "-c", output="main.o", main_c=MAIN)
    subprocess.run(["ar", "rc", "all.a", "main.o"], cwd=tmp_path, check=True)
    with pytest.raises(InputError, match="archive"):
        read_elf(tmp_path / "all.a", label="test")


def test_units_in_other_languages_are_gaps_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "part.cc").write_text('extern "C" int part(int x) { return x; }\n')
    (tmp_path / "more.s").write_text(".text\n.globl more\nmore: ret\n")
    (tmp_path / "main.c").write_text(MAIN)
    command = ["gcc", "-g", "-Wa,-g", "main.c", "part.cc", "more.s", "-o", "mixed"]
    subprocess.run(command, cwd=tmp_path, check=True)
    program = read_elf(tmp_path / "mixed", label="test")
    gaps = {gap.coord.file.rsplit("/", 1)[-1]: gap.reason for gap in program.gaps}
    assert set(gaps) == {"part.cc", "more.s"}
    assert "C++" in gaps["part.cc"]
    assert "assembl" in gaps["more.s"]
    assert [unit.source for unit in program.units] == ["main.c"]
    assert "main.c:all" in program.variables


def test_a_debug_file_for_another_machine_is_refused(tmp_path: Path) -> None:
    path = build(tmp_path, main_c=MAIN)
    debug = path.with_suffix(".debug")
    subprocess.run(["objcopy", "--only-keep-debug", path, debug], check=True)
    content = bytearray(debug.read_bytes())
    struct.pack_into("<H", content, 18, 183)
    debug.write_bytes(content)
    subprocess.run(["objcopy", "--strip-all", f"--add-gnu-debuglink={debug}", path], check=True)
    with pytest.raises(InputError, match=r"aarch64.*x86-64"):
        read_elf(path, label="test")


@pytest.mark.parametrize("compiler", COMPILERS)
def test_sources_without_debug_information_are_a_gap(tmp_path: Path, compiler: str) -> None:
    part = "static int hidden = 3; int part(void) { return hidden++; }"
    write_tree(tmp_path, {"part.c": part, "empty.c": "int only_declared(void);"})
    assert run(compiler, "-c", "-g0", "part.c", "empty.c", cwd=tmp_path).code == 0
    main = "int part(void); static int calls; int main(void) { return part() + calls++; }"
    program = read_elf(build(tmp_path, "part.o", "empty.o", compiler=compiler, main_c=main), label="test")
    assert [gap.reason for gap in program.gaps] == ["it has code without debug information, from part.c"]
    assert "record" in program.gaps[0].hint
