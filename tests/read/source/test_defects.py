"""What went wrong in real programs, each in a few lines of C."""

from pathlib import Path

from patchkit.model.ctype import spell
from tests.support.reading import read_c, read_files


def test_an_empty_parameter_list_takes_its_parameters_from_a_prototype(tmp_path: Path) -> None:
    source = "int f(void); int f() { return 1; } int g(); int g() { return 2; } int h() { return 3; }"
    program = read_c(tmp_path, source)
    assert {name: spell(f.type, name) for name, f in program.functions.items()} == {
        "f": "int f(void)",
        "g": "int g()",
        "h": "int h()",
    }


def test_parameters_of_array_and_function_typedefs_are_pointers(tmp_path: Path) -> None:
    source = """
        typedef int vec[4]; typedef vec matrix[2]; typedef int callback(int); typedef __builtin_va_list va_list;
        void f(vec a, const vec b, matrix c, callback d, va_list e, const callback *g, const long h) {}
        typedef void (*taker)(vec, va_list);
    """
    program = read_c(tmp_path, source)
    listed = "int *, const int *, vec *, callback *, struct __va_list_tag *, const callback *, long int"
    assert spell(program.functions["f"].type) == f"void ({listed})"
    assert spell(program.typedefs["taker"].type) == "void (*)(int *, struct __va_list_tag *)"


def test_a_qualified_typedef_of_an_array_is_an_array_of_qualified_elements(tmp_path: Path) -> None:
    source = (
        "typedef int vec[4]; typedef vec matrix[2]; const vec c = {1}; volatile matrix v; struct s { const vec m; };"
    )
    program = read_c(tmp_path, source)
    assert [spell(program.variables[name].type) for name in "cv"] == ["const int [4]", "volatile int [2][4]"]
    assert spell(program.records["struct s"].members[0].type) == "const int [4]"
    assert program.variables["v"].size == 32


def test_a_member_is_as_long_as_a_member_of_a_variable(tmp_path: Path) -> None:
    source = """
        extern struct daemon { char id[6]; struct { short port; } net; } *daemon;
        struct option { unsigned char fields[2 + sizeof(daemon->id) + sizeof daemon->net.port]; int kept; };
        struct holder { struct option inner; char tail[sizeof(((struct option *)0)->fields)]; } h;
    """
    program = read_c(tmp_path, source)
    assert program.gaps == ()
    assert (program.records["struct option"].size, program.variables["h"].size) == (16, 28)


def test_a_member_is_as_long_as_a_table_of_open_bound(tmp_path: Path) -> None:
    source = """
        enum kind { A, B, C };
        static const enum kind kinds[] = { A, C };
        extern const char *names[]; const char *names[] = { "x", "y", [4] = "z" };
        struct job { int of_kind[sizeof(kinds) / sizeof(kinds[0])]; union { int i; char of_name[sizeof names / 8]; }; };
        static struct job jobs[sizeof(kinds) / sizeof(*kinds) + sizeof(names) / sizeof(*(names))];
    """
    program = read_c(tmp_path, source)
    assert program.gaps == ()
    assert spell(program.variables["a.c:jobs"].type) == "struct job [7]"
    job = program.records["struct job"]
    assert (job.size, [(member.offset, member.size) for member in job.members]) == (16, [(0, 64), (64, 64)])


def test_the_size_of_a_static_variable_is_that_of_the_same_file(tmp_path: Path) -> None:
    files = {
        "a.c": "static int table[] = { 1 }; char as_a[sizeof table];",
        "b.c": "static int table[] = { 1, 2 }; char as_b[sizeof table];",
    }
    program = read_files(tmp_path, files)
    assert (program.variables["as_a"].size, program.variables["as_b"].size) == (4, 8)


def test_one_declaration_is_as_long_as_each_file_makes_it(tmp_path: Path) -> None:
    files = {
        "a.c": "struct x { int a; }; static char buffer[sizeof(struct x)];",
        "b.c": "struct x { int a, b; }; static char buffer[sizeof(struct x)];",
    }
    program = read_files(tmp_path, files)
    assert {key: variable.size for key, variable in program.variables.items()} == {"a.c:buffer": 4, "b.c:buffer": 8}


def test_a_table_that_a_system_header_defines_is_part_of_the_program(tmp_path: Path) -> None:
    program = read_c(tmp_path, "#define SYSLOG_NAMES\n#include <syslog.h>\nCODE *first = prioritynames;")
    assert set(program.variables) == {"first", "prioritynames", "facilitynames"}
    assert spell(program.variables["prioritynames"].type).startswith("CODE [")
    assert program.variables["facilitynames"].units == ("a.c",)


def test_what_a_header_defines_is_in_every_unit_whatever_stands_before_it(tmp_path: Path) -> None:
    header = "static int counter; static inline int next(void) { return ++counter; }"
    packed = 'int before;\n#pragma pack(push, 1)\n#include "all.h"\n#pragma pack(pop)\n'
    program = read_files(tmp_path, {"all.h": header, "a.c": '#include "all.h"\n', "b.c": packed})
    assert program.functions["all.h:next"].units == program.variables["all.h:counter"].units == ("a.c", "b.c")


def test_a_macro_that_is_no_constant_takes_no_other_with_it(tmp_path: Path) -> None:
    source = """
        #define PREFIX(name) OTHER_ ## name
        #define BAD PREFIX(one)
        #define WORSE PREFIX(two)
        #define GOOD (1 << 4)
        #define MEASURED ((int)sizeof(long) * GOOD)
    """
    macros = read_c(tmp_path, source + "int used = MEASURED;").macros
    assert {name: macros[name].value for name in macros if name.isupper()} == {"GOOD": 16, "MEASURED": 128}


def test_an_array_of_arrays_is_one_type_however_it_is_written(tmp_path: Path) -> None:
    source = (
        "typedef int vec[4]; typedef vec matrix[2]; struct s { vec m[3]; const matrix c[5]; vec *p; }; matrix v[6];"
    )
    program = read_c(tmp_path, source)
    members = [spell(member.type) for member in program.records["struct s"].members]
    assert members == ["int [3][4]", "const int [5][2][4]", "vec *"]
    assert (spell(program.variables["v"].type), program.variables["v"].size) == ("int [6][2][4]", 192)


def test_a_definition_that_nothing_uses_takes_no_name_from_one_that_is_used(tmp_path: Path) -> None:
    files = {
        "system/one.h": "struct request { int a; };",
        "system/two.h": "struct request { long b; };",
        "a.c": "#include <one.h>\nint a;",
        "b.c": "#include <one.h>\nint b;",
        "c.c": "#include <two.h>\nstruct request mine;",
    }
    program = read_files(tmp_path, files, "-isystem", "system")
    assert list(program.records) == ["struct request"]
    assert program.variables["mine"].size == 8


def test_equal_parts_of_different_records_belong_to_their_own(tmp_path: Path) -> None:
    files = {
        "a.c": "struct r { union { int i; } u; int a; } a;",
        "b.c": "struct r { union { int i; } u; long b; } b1;",
        "c.c": "struct r { union { int i; } u; long b; } b2;",
    }
    program = read_files(tmp_path, files)
    assert {key: record.parent for key, record in program.records.items() if record.parent} == {
        "union r.u": "struct r",
        "union r.u@a.c": "struct r@a.c",
    }
    assert spell(program.records["struct r@a.c"].members[0].type) == "union r.u@a.c"


def test_plain_names_refer_to_plain_names(tmp_path: Path) -> None:
    files = {
        "hold.h": "struct hold { struct dict *held; };",
        "a.c": "struct dict { int i; } a;",
        "b.c": "struct dict { int i; } b;",
        "c.c": '#include "hold.h"\nstruct dict { int i; }; struct hold c;',
        "d.c": '#include "hold.h"\nstruct dict { long i; }; struct hold d;',
        "e.c": '#include "hold.h"\nstruct dict { long i; }; struct hold e;',
    }
    records = read_files(tmp_path, files).records
    assert {key: spell(record.members[0].type) for key, record in records.items() if "hold" in key} == {
        "struct hold": "struct dict *",
        "struct hold@hold.h": "struct dict@d.c *",
    }


def test_what_stands_behind_an_include_is_at_its_line(tmp_path: Path) -> None:
    files = {
        "one.h": "#define ONE 1\nstruct one { int i; };\n",
        "a.c": '#include "one.h"\n#define TWO 2\nstruct one a;\n#include "one.inc"\nint last(void) { return ONE; }',
        "one.inc": "\nint within;\n",
    }
    program = read_files(tmp_path, files)
    assert str(program.records["struct one"].coord) == "one.h:2"
    assert [str(variable.coord) for variable in program.variables.values()] == ["a.c:3", "one.inc:2"]
    assert [str(function.coord) for function in program.functions.values()] == ["a.c:5"]
    assert [str(macro.coord) for macro in program.macros.values()] == ["one.h:1", "a.c:2"]
