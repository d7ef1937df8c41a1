"""Types are spelled alike whichever compiler wrote the debug information, and as C means them."""

import re
from pathlib import Path

import pytest

from patchkit.model.ctype import Array, Function, Named, Pointer, Primitive, Qualified, Tag, Vector, spell
from tests.support.elf import COMPILERS, STYLES, build, read

VARIABLES = {
    "char a": "char a",
    "signed char a": "signed char a",
    "unsigned char a": "unsigned char a",
    "short a": "short int a",
    "unsigned short a": "short unsigned int a",
    "int a": "int a",
    "unsigned a": "unsigned int a",
    "long a": "long int a",
    "unsigned long a": "long unsigned int a",
    "long long a": "long long int a",
    "unsigned long long a": "long long unsigned int a",
    "__int128 a": "__int128 a",
    "unsigned __int128 a": "__int128 unsigned a",
    "_Bool a": "_Bool a",
    "float a": "float a",
    "double a": "double a",
    "long double a": "long double a",
    "__float128 a": "_Float128 a",
    "_Complex float a": "complex float a",
    "double _Complex a": "complex double a",
    "_Complex long double a": "complex long double a",
    "_Complex int a": "complex int a",
    "void *a": "void *a",
    "const void *a": "const void *a",
    "char *const volatile a": "char *const volatile a",
    "const char *const *restrict a": "const char *const *restrict a",
    "volatile int a[2][3]": "volatile int a[2][3]",
    "const char a[4]": "const char a[4]",
    "int a[0]": "int a[0]",
    "int *(*a[2])[5]": "int *(*a[2])[5]",
    "int (*a)()": "int (*a)()",
    "int (*a)(void)": "int (*a)(void)",
    "void (*a)(const char *, ...)": "void (*a)(const char *, ...)",
    "void (*const a)(int)": "void (*const a)(int)",
    "int (*(*a)(int))(char)": "int (*(*a)(int))(char)",
    "int (*a)(const int, char *const, int [3], int (int))": "int (*a)(int, char *, int *, int (*)(int))",
    "struct incomplete *a": "struct incomplete *a",
    "int a __attribute__((vector_size(16)))": "int __vector(16) a",
}


@pytest.mark.parametrize(("compiler", "version"), STYLES)
def test_variables_are_spelled_as_gcc_names_their_types(tmp_path: Path, compiler: str, version: str) -> None:
    source = "\n".join(f"{_renamed(text, number)};" for number, text in enumerate(VARIABLES))
    found = read(build(tmp_path, "-c", version, compiler=compiler, a_c=source)).variables
    said = {spell(found[f"v{number}"].type, "a") for number in range(len(VARIABLES))}
    assert said == set(VARIABLES.values())


def _renamed(declaration: str, number: int) -> str:
    """Give the declared `a` a name of its own."""
    return re.sub(r"\ba\b", f"v{number}", declaration)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_values_are_the_canonical_ones(tmp_path: Path, compiler: str) -> None:
    source = (
        "typedef float v2 __attribute__((vector_size(8))); const v2 a[3]; typedef struct t { int x; } t; t *const b;"
    )
    source += (
        "extern int c[]; int c[7]; struct { int n; char tail[]; } *d; const struct t e; void f(const t *x, ...) { }"
    )
    program = read(build(tmp_path, "-c", compiler=compiler, a_c=source))
    types = {key: variable.type for key, variable in program.variables.items()}
    assert types == {
        "a": Array(Qualified(("const",), Named(Tag.TYPEDEF, "v2")), 3),
        "b": Qualified(("const",), Pointer(Named(Tag.TYPEDEF, "t"))),
        "c": Array(Primitive("int"), 7),
        "d": Pointer(Named(Tag.STRUCT, "struct <d>")),
        "e": Qualified(("const",), Named(Tag.STRUCT, "struct t")),
    }
    assert program.typedefs["v2"].type == Vector(Primitive("float"), 8)
    assert program.records["struct <d>"].members[1].type == Array(Primitive("char"), None)
    pointer = Pointer(Qualified(("const",), Named(Tag.TYPEDEF, "t")))
    assert program.functions["f"].type == Function(Primitive("void"), (pointer,), variadic=True)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_atomic_is_a_qualifier_where_dwarf_5_says_it(tmp_path: Path, compiler: str) -> None:
    source = "_Atomic int a; int *_Atomic b; const _Atomic long c; _Atomic(char *) d;"
    types = read(build(tmp_path, "-c", "-gdwarf-5", compiler=compiler, a_c=source)).variables
    assert {spell(variable.type, key) for key, variable in types.items()} == {
        "_Atomic int a",
        "int *_Atomic b",
        "_Atomic const long int c",
        "char *_Atomic d",
    }


@pytest.mark.parametrize(("compiler", "version"), STYLES)
def test_functions_have_their_type_and_the_names_of_their_parameters(
    tmp_path: Path, compiler: str, version: str
) -> None:
    source = """#include <stdarg.h>
    typedef int three[3]; typedef int callback(int);
    int none() { return 0; } int nothing(void) { return 0; } int old(a, b) int a; char b; { return a + b; }
    const int adjusted(const int x, char *restrict p, three t, callback c, int n, int v[n]) { return x; }
    void list(const char *format, va_list arguments) { }
    static void unnamed(int, long); void printer(const char *, ...);
    static void unnamed(int a, long b) { } void printer(const char *format, ...) { unnamed(1, 2); }
    static inline __attribute__((always_inline)) int inlined(int x) { return x + 1; }
    int calls(int x) { return inlined(x); }
    """
    found = read(build(tmp_path, "-c", version, compiler=compiler, a_c=source)).functions
    assert {(spell(each.type, key), each.parameters) for key, each in found.items()} == {
        ("int none()", ()),
        ("int nothing(void)", ()),
        ("int old(int, char)", ("a", "b")),
        ("int adjusted(int, char *, int *, callback *, int, int *)", ("x", "p", "t", "c", "n", "v")),
        ("void list(const char *, struct __va_list_tag *)", ("format", "arguments")),
        ("void printer(const char *, ...)", ("format",)),
        ("int calls(int)", ("x",)),
        ("void a.c:unnamed(int, long int)", ("a", "b")),
        ("int a.c:inlined(int)", ("x",)),
    }
    prototyped = {each.name for each in found.values() if each.type.prototyped}
    assert {"none", "old"} == {each.name for each in found.values()} - prototyped
