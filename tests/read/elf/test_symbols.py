"""Nothing that the linker kept is missing: the symbol table is the oracle."""

import re
from collections import Counter
from pathlib import Path

import pytest

from patchkit.model.program import Linkage, Program
from tests.support import needs, run
from tests.support.elf import COMPILERS, build, read

HEADER = """
struct shared { int a; long b; };
extern void *volatile sink;
static inline int counter(int d) { static int count; static struct shared sh; sink = &sh; return count += d + sh.a; }
static int in_header;
"""
MAIN = """
#include "all.h"
#include <stdio.h>
int other(int);
__thread long per_thread; static _Thread_local char buffer[40];
static int helper(int x) {
    static int calls; if (x > 3) { static long calls; calls++; x += calls; } return x + ++calls; }
static const int folded = 5; static const char *const names[] = { "a", "b" };
static int loops(int *p, int x) { static struct { int z; } state; state.z += x;
    for (int i = 0; i < 10; i++) { *p += i * x; printf("%d %d", *p, state.z); } return *p; }
void *volatile sink;
int common, initialised[3] = { 1, 2, 3 };
int main(int argc, char **argv) { int v = argc; in_header++; buffer[argc] = 1; per_thread += buffer[0];
    printf("%s %d\\n", names[argc & 1], loops(&v, 7) + folded); initialised[argc]++;
    return counter(argc) + helper(argc) + helper(5) + other(argc) + common; }
"""
OTHER = """
#include "all.h"
__attribute__((weak)) int weak_one(void) { return 1; }
__attribute__((noinline)) static int same(int x) { static int calls; return calls += x; }
int other(int x) { in_header += x; return counter(x) + counter(x + 1) + in_header + same(x); }
"""
SYMBOL = re.compile(r"^ *\d+: \S+ +(\d+) (OBJECT|TLS|FUNC) +\w+ +\w+ +(?:\[[^]]*\] +)?(\d+|ABS|COM|UND) (\S+)$", re.M)


def _symbols(path: Path) -> list[tuple[str, str, int]]:
    """Kind, name and size of what `path` defines."""
    said = run("readelf", "-sW", str(path), cwd=path.parent).out.split("'.symtab'")[1]
    return [(kind, name, int(size)) for size, kind, section, name in SYMBOL.findall(said) if section != "UND"]


def _check(path: Path, empty: Path) -> Program:
    program = read(path)
    start_up = {name for _, name, _ in _symbols(empty)} - {"main"}
    functions = {function.name for function in program.functions.values()}
    objects: Counter[tuple[str, int]] = Counter()
    code: Counter[str] = Counter()
    for kind, name, size in _symbols(path):
        if name in start_up or name.startswith((".L", "reltable.")):
            continue  # not the program's own, or the compiler's tables for literals and switches
        parts = re.sub(r"\.lto_priv\.\d+$|\.\d+$", "", name).split(".")
        if kind == "FUNC":
            code.update(parts if len(parts) == 1 else [])  # parts and copies of functions belong to a whole one
            assert parts[0] in functions
        else:
            objects[parts[-1] if parts[0] in functions else parts[0], size] += 1
    held: Counter[tuple[str, int]] = Counter()
    for variable in program.variables.values():
        held[variable.name, variable.size] += len(variable.units)
    assert objects - held == Counter()
    assert code - Counter(f.name for f in program.functions.values() for _ in f.units) == Counter()
    return program


@needs("readelf")
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize(
    "flags",
    [
        ("-O0",),
        ("-O2",),
        ("-O2", "-gdwarf-4"),
        ("-O0", "-no-pie", "-fno-pie"),
        ("-O1", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"),
        ("-O1", "-shared", "-fPIC"),
        ("-O0", "-fcommon", "-gz"),
    ],
    ids=" ".join,
)
def test_every_symbol_of_the_program_is_there_with_its_size(
    tmp_path: Path, compiler: str, flags: tuple[str, ...]
) -> None:
    empty = build(tmp_path, *flags, compiler=compiler, output="empty", empty_c="int main(void) { return 0; }")
    program = build(tmp_path, *flags, compiler=compiler, main_c=MAIN, other_c=OTHER, all_h=HEADER)
    variables = _check(program, empty).variables
    assert {key for key, each in variables.items() if each.linkage is Linkage.LOCAL} == {
        "all.h:counter:count",
        "all.h:counter:sh",
        "main.c:helper:calls",
        "main.c:helper:calls#1",
        "main.c:loops:state",
        "other.c:same:calls",
    }
    assert {key for key, each in variables.items() if each.thread_local} == {"per_thread", "main.c:buffer"}


@needs("readelf")
def test_link_time_optimisation_hides_nothing(tmp_path: Path) -> None:
    empty = build(tmp_path, "-O2", "-flto", output="empty", empty_c="int main(void) { return 0; }")
    program = _check(build(tmp_path, "-O2", "-flto", main_c=MAIN, other_c=OTHER, all_h=HEADER), empty)
    assert [unit.source for unit in program.units] == ["main.c", "other.c"]
    assert program.variables["per_thread"].thread_local
    assert program.variables["main.c:helper:calls#1"].size == 8
    assert program.variables["all.h:counter:sh"].units == ("main.c", "other.c")


@needs("readelf")
@pytest.mark.parametrize("compiler", COMPILERS)
def test_object_files_are_read_with_their_relocations(tmp_path: Path, compiler: str) -> None:
    empty = build(tmp_path, "-c", compiler=compiler, output="empty", empty_c="")
    path = build(tmp_path, "-c", "-O1", "-ffunction-sections", compiler=compiler, main_c=MAIN, all_h=HEADER)
    program = _check(path, empty)
    assert program.variables["initialised"].size == 12
    assert program.variables["all.h:counter:sh"].units == ("main.c",)


def test_nothing_that_is_only_declared_is_there(tmp_path: Path) -> None:
    source = "extern int elsewhere; extern __thread int far; int far_function(int); int f(void)"
    program = read(build(tmp_path, "-c", a_c=source + " { return elsewhere + far + far_function(1); }"))
    assert (set(program.variables), set(program.functions)) == (set(), {"f"})


def test_emulated_thread_storage_is_thread_storage(tmp_path: Path) -> None:
    source = "__thread int a; static __thread long b; int c; int f(void) { return a + (int)++b + c; }"
    program = read(build(tmp_path, "-shared", "-fPIC", "-femulated-tls", compiler="clang", a_c=source))
    assert {key: each.thread_local for key, each in program.variables.items()} == {"a": True, "a.c:b": True, "c": False}


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_name_of_a_function_is_no_variable(tmp_path: Path, compiler: str) -> None:
    source = (
        "int puts(const char *); int f(void) { static int n; return puts(__func__) + puts(__PRETTY_FUNCTION__) + n++; }"
    )
    program = read(build(tmp_path, "-c", "-O1", compiler=compiler, a_c=source))
    assert set(program.variables) == {"a.c:f:n"}


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_static_variable_from_a_file_inside_a_function_belongs_to_that_function(
    tmp_path: Path, compiler: str
) -> None:
    table = "static const char *const table[] = { names };"
    source = '#define names "a", "b"\nconst char *f(int i) {\n#include "table.h"\nreturn table[i]; }'
    program = read(build(tmp_path, "-c", compiler=compiler, table_h=table, a_c=source))
    assert {key: str(each.coord) for key, each in program.variables.items()} == {"a.c:f:table": "table.h:1"}
