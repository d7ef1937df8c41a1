"""Sources that no one should write, and some that are no C at all: read, or reported, never a crash or a hang."""

from pathlib import Path

import pytest

from patchkit.model.program import Program
from tests.support.reading import read_c

HUGE = "int huge(int x)\n{\n" + "    x = x * 3 + 1; if (x & 1) { x--; }\n" * 100_000 + "    return x;\n}\nint after;\n"


def test_a_function_of_a_hundred_thousand_lines_is_read(tmp_path: Path) -> None:
    program = read_c(tmp_path, HUGE)
    assert program.gaps == ()
    assert program.functions["huge"].body
    assert program.variables["after"].size == 4


@pytest.mark.parametrize("depth", [50, 2000])
def test_blocks_nested_deeply_are_read(depth: int, tmp_path: Path) -> None:
    program = read_c(tmp_path, "int f(int x) " + "{" * depth + "x++;" + "}" * depth + "\nint g;\n")
    assert program.gaps == ()
    assert set(program.functions) == {"f"}


@pytest.mark.parametrize(
    "source",
    [
        "struct s { " * 400 + "int x;" + " } m;" * 400,
        "int " + "*" * 5000 + "p;",
        "int " + "(" * 2000 + "x" + ")" * 2000 + ";",
        "int x = " + "(" * 5000 + "1" + ")" * 5000 + ";",
        "int a" + "[2]" * 300 + ";",
        "enum e { " + ", ".join(f"C{n}" for n in range(20_000)) + " } v;",
        "struct w { " + " ".join(f"int m{n};" for n in range(5000)) + " } v;",
        "char s[] = " + '"abc" ' * 20_000 + ";",
    ],
    ids=["structs", "stars", "parentheses", "expression", "dimensions", "enumerators", "members", "strings"],
)
def test_what_is_very_deep_or_long_is_read_or_reported(source: str, tmp_path: Path) -> None:
    _read_or_reported(read_c(tmp_path, source + "\nint after;\n"))


@pytest.mark.parametrize(
    "source",
    [
        "int x = '",
        'char *s = "never closed;\nint y;',
        "struct { int a; } } int b;",
        "{ { { {",
        ") ) ) ;",
        "typedef typedef int;",
        "int int int;",
        "= = = ;",
        "struct s { int x : ; };",
        "\x00\x01\x02 int z;",
        "int f( { }",
        "#pragma pack(push, 1\nstruct p { char c; };",
        "class Foo { public: int x; }; namespace n { }",
        "fn main() { println!(); }",
        "🦀 int x;",
        "enum { A = , B };",
        "int a[",
        "__attribute__((packed",
        "asm(",
    ],
)
def test_what_is_no_c_is_reported_or_skipped_without_a_crash(source: str, tmp_path: Path) -> None:
    program = read_c(tmp_path, source + "\n")
    assert isinstance(program, Program)


def _read_or_reported(program: Program) -> None:
    assert program.variables["after"].size == 4
    assert program.gaps == () or all(gap.coord.file == "a.c" for gap in program.gaps)
