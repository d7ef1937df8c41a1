"""One name with several meanings: the most used keeps the plain key, and every unit's references stay its own."""

import subprocess
from pathlib import Path

import pytest

from patchkit.model.ctype import spell
from patchkit.model.program import Program
from tests.support.elf import COMPILERS, build, build_files, read

MAIN = "int main(void) { return 0; }"


def _types(program: Program) -> dict[str, str]:
    return {key: spell(variable.type) for key, variable in program.variables.items()}


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_most_used_definition_keeps_the_key(tmp_path: Path, compiler: str) -> None:
    header = "struct node { int value; struct node *next; };"
    program = read(
        build(
            tmp_path,
            compiler=compiler,
            all_h=header,
            a_c="struct node { char name[8]; struct node *next; }; struct node *a, *last;",
            b_c='#include "all.h"\nstruct node *b;',
            c_c='#include "all.h"\nstruct node tail; ' + MAIN,
        )
    )
    assert {key: record.size for key, record in program.records.items()} == {"struct node": 16, "struct node@a.c": 16}
    assert _types(program) == {
        "a": "struct node@a.c *",
        "last": "struct node@a.c *",
        "b": "struct node *",
        "tail": "struct node",
    }
    other = program.records["struct node@a.c"]
    assert [spell(member.type, member.name) for member in other.members] == ["char name[8]", "struct node@a.c *next"]
    assert spell(program.records["struct node"].members[1].type) == "struct node *"


def test_what_holds_or_points_to_a_divided_type_is_divided_with_it(tmp_path: Path) -> None:
    def unit(body: str, name: str) -> str:
        return f"""
            typedef struct item {{ {body} }} item; typedef item *link; struct list {{ item *head; }};
            struct table {{ struct list lists[2]; }}; struct table {name}; link {name}_link;
            void f_{name}(item *i) {{ }}
        """

    program = read(build(tmp_path, a_c=unit("int a;", "x") + MAIN, b_c=unit("long a, b;", "y")))
    assert _types(program) == {
        "x": "struct table",
        "y": "struct table@b.c",
        "x_link": "link",
        "y_link": "link@b.c",
    }
    table, listed = program.records["struct table@b.c"], program.records["struct list@b.c"]
    assert spell(table.members[0].type) == "struct list@b.c [2]"
    assert spell(listed.members[0].type) == "item@b.c *"
    assert spell(program.typedefs["link@b.c"].type) == "item@b.c *"
    assert spell(program.typedefs["item@b.c"].type) == "struct item@b.c"
    assert spell(program.functions["f_y"].type.parameters[0]) == "item@b.c *"
    assert program.records["struct item@b.c"].size == 16


def test_equal_definitions_in_different_files_are_one(tmp_path: Path) -> None:
    pair = "struct pair { int a, b; struct pair *next; }; typedef struct pair pair; enum e { A, B };"
    program = read(build(tmp_path, a_c=pair + "pair x; enum e ex; " + MAIN, b_c="\n" + pair + "pair y; enum e ey;"))
    assert (set(program.records), set(program.typedefs), set(program.enums)) == ({"struct pair"}, {"pair"}, {"enum e"})
    assert program.records["struct pair"].coord.file == "a.c"


def test_a_header_that_points_to_private_types_means_something_else_in_each_unit(tmp_path: Path) -> None:
    header = "struct impl; struct handle { struct impl *impl; }; typedef struct impl *reference;"
    program = read(
        build(
            tmp_path,
            all_h=header,
            a_c='#include "all.h"\nstruct impl { int a; }; struct handle x; struct impl own_a; ' + MAIN,
            b_c='#include "all.h"\nstruct impl { long a; }; struct handle y; struct impl own_b;',
            c_c='#include "all.h"\nstruct handle z; reference r;',
        )
    )
    assert set(program.records) == {"struct handle", "struct handle@all.h", "struct impl", "struct impl@b.c"}
    assert {key: _types(program)[key] for key in "xyz"} == {
        "x": "struct handle",
        "y": "struct handle@all.h",
        "z": "struct handle",
    }
    assert _types(program)["own_b"] == "struct impl@b.c"
    assert spell(program.records["struct handle"].members[0].type) == "struct impl *"
    assert spell(program.records["struct handle@all.h"].members[0].type) == "struct impl@b.c *"


def test_a_header_read_under_other_macros_is_another_definition(tmp_path: Path) -> None:
    header = "struct config {\n#ifdef BIG\nlong extra;\n#endif\nint a; }; static struct config own;"
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.c").write_text('#include "all.h"\nint ' + f"f_{name}(void) {{ return own.a; }}")
    (tmp_path / "all.h").write_text(header)
    for name, flag in (("a", "-DSMALL"), ("b", "-DBIG"), ("c", "-DSMALL")):
        subprocess.run(["gcc", "-g", "-c", flag, f"{name}.c"], cwd=tmp_path, check=True)
    subprocess.run(["gcc", "-shared", "-o", "all.so", "a.o", "b.o", "c.o"], cwd=tmp_path, check=True)
    program = read(tmp_path / "all.so")
    assert {key: record.size for key, record in program.records.items()} == {
        "struct config": 4,
        "struct config@all.h": 16,
    }
    assert {key: (variable.units, variable.size) for key, variable in program.variables.items()} == {
        "all.h:own": (("a.c", "c.c"), 4),
        "all.h:own@b.c": (("b.c",), 16),
    }


def test_the_only_definition_that_belongs_to_the_program_has_the_plain_key(tmp_path: Path) -> None:
    """The C library's `struct tm` depends on feature macros, and two units use the other one in passing only."""
    passing = (
        "#define _GNU_SOURCE\n#include <time.h>\nint {}(void) {{ struct tm t = {{ 0 }}; return (int)t.tm_gmtoff; }}"
    )
    kept = "#define _POSIX_C_SOURCE 200809L\n#include <time.h>\nstruct tm *kept; int main(void) { return 0; }"
    program = read(build(tmp_path, a_c=passing.format("a"), b_c=passing.format("b"), c_c=kept))
    assert _types(program) == {"kept": "struct tm *"}
    assert list(program.records) == ["struct tm"]
    assert program.records["struct tm"].members[-1].name == "__tm_zone"


def test_unnamed_records_are_divided_with_what_they_are_part_of(tmp_path: Path) -> None:
    def unit(body: str, name: str) -> str:
        return f"struct s {{ {body} struct {{ int x; }} in; }}; struct s {name};"

    program = read(build(tmp_path, a_c=unit("int a;", "x") + MAIN, b_c=unit("long a;", "y")))
    assert {key: record.parent for key, record in program.records.items()} == {
        "struct s": "",
        "struct s@b.c": "",
        "struct s.in": "struct s",
        "struct s.in@b.c": "struct s@b.c",
    }
    assert spell(program.records["struct s@b.c"].members[1].type) == "struct s.in@b.c"


def test_several_meanings_in_one_file_are_numbered(tmp_path: Path) -> None:
    source = """
    int f(void) { static struct { int a; } state; return state.a++; }
    int g(void) { static struct { long a, b; } state; return state.a++; }
    int h(void) {
        struct local { char c[3]; }; static struct local state;
        { struct local { char c[5]; }; static struct local state; state.c[0]++; }
        { struct local { char c[7]; }; static struct local state; state.c[0]++; }
        return state.c[0]++; }
    """
    program = read(build(tmp_path, "-c", a_c=source))
    assert _types(program) == {
        "a.c:f:state": "struct <f().state>",
        "a.c:g:state": "struct <g().state>",
        "a.c:h:state": "struct h().local",
        "a.c:h:state#1": "struct h().local@a.c",
        "a.c:h:state#2": "struct h().local@a.c#2",
    }
    sizes = {key: program.records[spell(each.type)].size for key, each in program.variables.items()}
    assert sizes == {key: variable.size for key, variable in program.variables.items()}


def test_a_name_is_a_typedef_here_and_a_struct_there(tmp_path: Path) -> None:
    files = {
        "a.c": "typedef int same; struct same { int a; }; same x; struct same y; " + MAIN,
        "deep/b.c": "typedef struct { long b; } same; same z;",
    }
    program = read(build_files(tmp_path, files))
    assert _types(program) == {"x": "same", "y": "struct same", "z": "same@deep/b.c"}
    assert spell(program.typedefs["same@deep/b.c"].type) == "struct same@deep/b.c"


@pytest.mark.parametrize("compiler", COMPILERS)
def test_plain_names_refer_to_plain_names(tmp_path: Path, compiler: str) -> None:
    sources = {"hold_h": "struct hold { struct dict *held; };", "a_c": "struct dict { int i; } a; " + MAIN}
    for name, member in (("b", "int"), ("c", "int"), ("d", "long"), ("e", "long")):
        holder = f"struct hold *{name}_hold;" if name in "cde" else ""
        sources[f"{name}_c"] = f'#include "hold.h"\nstruct dict {{ {member} i; }} {name}; {holder}'
    program = read(build(tmp_path, compiler=compiler, **sources))
    assert {key: spell(record.members[0].type) for key, record in program.records.items() if "hold" in key} == {
        "struct hold": "struct dict *",
        "struct hold@hold.h": "struct dict@d.c *",
    }
