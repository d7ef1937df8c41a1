"""What types, variables and functions are called, and which of them belong to the program."""

from pathlib import Path

import pytest

from patchkit.model.ctype import Named, Pointer, Tag
from patchkit.model.program import Coord, Facet, Linkage
from patchkit.read.elf import read_elf
from tests.support.elf import COMPILERS, STYLES, build, build_files, read

UNNAMED = """
typedef struct { int a; } T, *TP; T v0; TP v1;
typedef struct { int a; } *only_pointer; only_pointer v2;
typedef struct { int a; } only_array[3]; only_array v3;
typedef const struct { int a; } constant; constant v4;
typedef enum { ONE, TWO } number; number v5; enum { FIRST, SECOND } v6;
struct { int a; } alone, *also; struct { int b; } *pointed;
union { int a; float b; } both;
struct outer {
    struct { int x; union { int y; float z; }; struct { char k; }; } in;
    struct { int p; } *ptr, *ptr2; struct { int w; } array[2]; union { long l; double d; };
    enum { IN_MEMBER } e; int (*call)(struct { int q; } *);
} v7;
int f(void) { static struct { int s; } local; return local.s++; }
"""


@pytest.mark.parametrize(("compiler", "version"), STYLES)
def test_unnamed_types_are_called_after_what_uses_them(tmp_path: Path, compiler: str, version: str) -> None:
    program = read(build(tmp_path, "-c", version, compiler=compiler, a_c=UNNAMED))
    assert set(program.records) == {
        "struct T",
        "struct <only_pointer>",
        "struct <only_array>",
        "struct constant",
        "struct <alone>",
        "struct <pointed>",
        "union <both>",
        "struct outer",
        "struct outer.in",
        "union outer.in.#0",
        "struct outer.in.#1",
        "struct outer.ptr",
        "struct outer.array",
        "union outer.#0",
        "struct outer.call.",
        "struct <f().local>",
    }
    assert set(program.enums) == {"enum number", "enum {FIRST}", "enum {IN_MEMBER}"}
    parents = {record.key: record.parent for record in program.records.values() if record.parent}
    assert parents["union outer.in.#0"] == "struct outer.in"
    assert parents["struct outer.in"] == parents["struct outer.ptr"] == "struct outer"
    assert program.typedefs["TP"].type == Pointer(Named(Tag.STRUCT, "struct T"))


@pytest.mark.parametrize("compiler", COMPILERS)
def test_statics_are_keyed_by_file_and_function(tmp_path: Path, compiler: str) -> None:
    source = """#include "all.h"
    static int hidden; int seen; static int helper(void) {
        static int n;
        { static long n; n++; { static char n; n++; } }
        return n++; }
    int caller(void) { static int n; return helper() + in_header() + hidden++ + n++; }"""
    header = "static int in_header(void) { static int n; return n++; }"
    program = read(build(tmp_path, compiler=compiler, a_c=source, b_c=UNIT_B, all_h=header))
    sizes = {key: each.size for key, each in program.variables.items()}
    assert sizes == {
        "a.c:hidden": 4,
        "seen": 4,
        "a.c:helper:n": 4,
        "a.c:helper:n#1": 8,
        "a.c:helper:n#2": 1,
        "a.c:caller:n": 4,
        "all.h:in_header:n": 4,
    }
    second = program.variables["a.c:helper:n#1"]
    assert (second.name, second.function, second.ordinal, second.linkage) == ("n", "helper", 1, Linkage.LOCAL)
    assert second.coord == Coord("a.c", 4)
    assert program.variables["all.h:in_header:n"].units == ("a.c", "b.c")
    assert set(program.functions) == {"a.c:helper", "caller", "main", "all.h:in_header"}
    assert program.functions["all.h:in_header"].units == ("a.c", "b.c")


UNIT_B = '#include "all.h"\nint main(void) { return in_header(); }'


@pytest.mark.parametrize("compiler", COMPILERS)
def test_what_is_completed_elsewhere_is_one_type(tmp_path: Path, compiler: str) -> None:
    one = "struct shared; struct never; struct shared *first; struct never *dangling; int main(void) { return 0; }"
    two = "struct shared { int a; }; struct shared *second;"
    program = read(build(tmp_path, compiler=compiler, a_c=one, b_c=two))
    assert program.records["struct shared"].coord == Coord("b.c", 1)
    assert program.variables["first"].type == program.variables["second"].type
    assert program.variables["dangling"].type == Pointer(Named(Tag.STRUCT, "struct never"))
    assert set(program.records) == {"struct shared"}


def test_unnamed_types_keep_their_typedef_where_the_compiler_leaves_it_out(tmp_path: Path) -> None:
    header = "typedef enum { OFF, ON } mode; typedef struct { int a; } T, *P;"
    files = {
        "only_constants.c": '#include "all.h"\nint constant(void) { return ON; }',
        "only_pointer.c": '#include "all.h"\nP pointer; int main(void) { return 0; }',
        "all_of_it.c": '#include "all.h"\nmode m; T t;',
    }
    program = read(build_files(tmp_path, {"all.h": header, **files}))
    assert set(program.enums) == {"enum mode"}
    assert set(program.records) == {"struct T"}
    assert program.typedefs["P"].type == Pointer(Named(Tag.STRUCT, "struct T"))


def test_paths_are_relative_to_the_root_that_is_given(tmp_path: Path) -> None:
    files = {
        "source/a.c": '#include "../all.h"\nstatic struct s x; int f(void) { return x.a; }',
        "all.h": "struct s { int a; };",
    }
    program = read_elf(build_files(tmp_path, files, "-c"), label="test", root=str(tmp_path))
    assert set(program.variables) == {"source/a.c:x"}
    assert program.records["struct s"].coord == Coord("all.h", 1)


def test_paths_are_relative_to_what_all_sources_share(tmp_path: Path) -> None:
    files = {
        "source/main.c": '#include "../include/all.h"\nstruct all everything; int main(void) { return 0; }',
        "source/deep/part.c": '#include "../../include/all.h"\nstatic struct all own; int f(void) { return own.a; }',
        "include/all.h": "struct all { int a; };",
    }
    program = read(build_files(tmp_path, files))
    assert program.root == str(tmp_path / "source")
    assert [unit.source for unit in program.units] == ["main.c", "deep/part.c"]
    assert program.records["struct all"].coord == Coord(str(tmp_path / "include/all.h"), 1)
    assert set(program.variables) == {"everything", "deep/part.c:own"}


def test_mapped_prefixes_give_relative_paths(tmp_path: Path) -> None:
    files = {"a.c": "static int x; int main(void) { return x; }", "sub/b.c": "static int y; int f(void) { return y; }"}
    program = read(build_files(tmp_path, files, f"-ffile-prefix-map={tmp_path}=."))
    assert program.root == ""
    assert set(program.variables) == {"a.c:x", "sub/b.c:y"}


def test_system_types_are_there_only_where_they_are_reached(tmp_path: Path) -> None:
    source = "#include <stdio.h>\n#include <time.h>\n#include <pthread.h>\nstruct own { struct timespec at; } *never;"
    program = read(build(tmp_path, "-c", a_c=source + "int f(void) { FILE *file = stdin; return file != 0; }"))
    assert {"struct own", "struct timespec"} == set(program.records)
    assert program.records["struct timespec"].coord.file.startswith("/usr/include/")
    assert "FILE" not in program.typedefs
    assert set(program.variables) == {"never"}


def test_functions_of_system_headers_are_not_the_program_s(tmp_path: Path) -> None:
    source = "#include <stdlib.h>\n#include <stdio.h>\n#include <byteswap.h>\nint f(char *s) { char b[9];"
    source += "snprintf(b, sizeof b, s); return atoi(s) + (int)bswap_32(5); }"
    for flags in (("-O2", "-D_FORTIFY_SOURCE=2"), ("-O0",)):
        assert set(read(build(tmp_path, "-c", *flags, a_c=source)).functions) == {"f"}


def test_a_program_says_what_it_was_read_from(tmp_path: Path) -> None:
    program = read(build(tmp_path, "-O2", "-Wall", "-c", a_c="int f(void) { return 1; }"))
    (unit,) = program.units
    assert program.machine == "x86-64"
    assert unit.compiler.startswith("GNU C")
    assert "-O2" in unit.flags
    assert not any(flag.startswith(("-g", "-W")) for flag in unit.flags)
    assert Facet.MACROS in program.unseen
    assert all(len(each.fingerprint) == 16 for each in program.functions.values())
