"""What went wrong in real programs, each in a few lines of C."""

from pathlib import Path

from patchkit.model.ctype import spell
from tests.support.reading import read_c


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
