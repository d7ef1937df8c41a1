"""What two compilers say of one program is the same program; what differs is listed, once and by name."""

from dataclasses import replace
from pathlib import Path

import pytest

from patchkit.model.ctype import Named, Pointer, Primitive, Tag
from patchkit.model.program import Coord, Program, Record
from tests.read.elf.test_keys import UNNAMED
from tests.read.elf.test_layout import ODD
from tests.read.elf.test_symbols import HEADER, MAIN, OTHER
from tests.support.differences import differences
from tests.support.elf import build, read

PROGRAMS = {
    "odd": {"odd.c": ODD},
    "unnamed": {"unnamed.c": UNNAMED},
    "several": {"main.c": MAIN, "other.c": OTHER, "all.h": HEADER},
}


def _built(folder: Path, name: str, *flags: str, compiler: str) -> Program:
    sources = {file.replace(".", "_"): text for file, text in PROGRAMS[name].items()}
    return read(build(folder, "-shared", "-fPIC", *flags, compiler=compiler, **sources))


WAYS = [(), ("-gdwarf-4",), ("-O2",), ("-gz", "-fdebug-types-section")]
# Unnamed types that are spelled alike share one type unit, so nothing tells them apart there.
CASES = [(name, flags) for name in PROGRAMS for flags in WAYS if (name, len(flags)) != ("unnamed", 2)]


@pytest.mark.parametrize(("name", "flags"), CASES)
def test_compilers_and_flags_agree(tmp_path: Path, name: str, flags: tuple[str, ...]) -> None:
    plain = _built(tmp_path, name, compiler="gcc")
    assert differences(plain, _built(tmp_path, name, *flags, compiler="gcc")) == []
    assert differences(plain, _built(tmp_path, name, *flags, compiler="clang")) == []


def test_a_program_under_another_root_is_the_same(tmp_path: Path) -> None:
    plain = _built(tmp_path, "several", compiler="gcc")
    moved = replace(
        plain,
        root=str(tmp_path.parent),
        variables={
            key: replace(each, coord=_below(each.coord, tmp_path.name), key=_moved(each.key, tmp_path.name))
            for key, each in plain.variables.items()
        },
        functions={
            key: replace(each, coord=_below(each.coord, tmp_path.name), key=_moved(each.key, tmp_path.name))
            for key, each in plain.functions.items()
        },
    )
    assert differences(plain, moved) == []


def _below(coord: Coord, folder: str) -> Coord:
    return Coord(f"{folder}/{coord.file}", coord.line)


def _moved(key: str, folder: str) -> str:
    return f"{folder}/{key}" if ":" in key else key


def test_each_disagreement_is_a_line(tmp_path: Path) -> None:
    source = """struct s { int a; char b[4]; }; enum e { X, Y }; typedef int t;
    struct s g; enum e h; t i; int f(t x) { return x; }"""
    one = source + " int gone; static int kept; int *k(void) { return &kept; }"
    two = source.replace("int a; char b[4]", "long a; char c[4]").replace("Y }", "Y = 5 }").replace("int t;", "long t;")
    a = read(build(tmp_path, "-shared", "-fPIC", a_c=one))
    b = read(build(tmp_path, "-shared", "-fPIC", a_c=two + " int *k(void) { return 0; }"))
    assert differences(a, b) == [
        "type enum e, constants, Y: 1 and 5",
        "type struct s, members, 0 a, size: 32 and 64",
        "type struct s, members, 0 a, type: 'int' and 'long int'",
        "type struct s, members, 1 b: only in the first",
        "type struct s, members, 1 c: only in the second",
        "type struct s, size: 8 and 16",
        "type t, type: 'int' and 'long int'",
        f"variable {tmp_path}/a.c:kept of a.c:2: missing in one",
        "variable g, size: 8 and 16",
        "variable gone of a.c:2: missing in one",
        "variable i, size: 4 and 8",
    ]


def test_types_that_share_a_name_are_paired_by_what_they_are(tmp_path: Path) -> None:
    one = "struct s { int a; }; struct s x; int main(void) { return 0; }"
    program = read(build(tmp_path, a_c=one, b_c="struct s { long a; }; struct s y;"))
    swap = {"struct s": "struct s@b.c", "struct s@b.c": "struct s"}
    records: dict[str, Record] = {swap[key]: replace(each, key=swap[key]) for key, each in program.records.items()}
    variables = {
        key: replace(each, type=Named(Tag.STRUCT, swap[each.type.key])) if isinstance(each.type, Named) else each
        for key, each in program.variables.items()
    }
    assert differences(program, replace(program, records=records, variables=variables)) == []
    wrong = {**variables, "x": replace(variables["x"], type=Pointer(Primitive("int")))}
    assert differences(program, replace(program, records=records, variables=wrong)) == [
        "variable x, type: 'struct s' and 'int *'"
    ]
