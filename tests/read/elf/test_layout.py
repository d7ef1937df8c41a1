"""Layouts are those of the compiler: its own sizeof, _Alignof, offsetof and bits are asked about every record."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import needs, run
from tests.support.elf import COMPILERS, STYLES, build, compiler_says, model_says, read

ODD = """
#include <stdint.h>
struct plain { char a; short b; int c; long d; char e; };
struct __attribute__((packed)) packed { char a; int b; short c; long d; };
#pragma pack(push, 2)
struct pragma_packed { char a; int b; long c; };
#pragma pack(pop)
struct __attribute__((aligned(64))) aligned { int a; };
struct inner_aligned { char a; _Alignas(32) int b; struct aligned c; };
struct __attribute__((packed, aligned(4))) packed_aligned { char a; long b; char c; };
struct bits { int a:3; unsigned :5; unsigned b:7; int :0; long c:40; _Bool f:1; unsigned char g:2; short h:9; };
struct __attribute__((packed)) packed_bits { char c; int a:3; unsigned b:31; long long q:60; short s; };
struct bits_only { unsigned a:1, b:2, c:29; unsigned long d:33; };
struct holder { struct bits in; struct packed_bits packed; struct { unsigned x:4; int y; } own[3]; };
struct nested { struct { int x; union { int y; float z; struct { short lo, hi; }; }; char k; } in;
    union { long l; double d; };
    struct { struct { char deep; } a; } b; };
union mixed { char c[7]; int i; struct { long a; char b; } s; long double ld; };
struct flexible { int n; struct plain items[]; };
struct zero_length { int n; char data[0]; };
struct empty_tail { long n; struct { } nothing; };
struct wide { char a; __int128 b; char c; long double d; char e; _Complex double f; _Complex float g; };
typedef int v4 __attribute__((vector_size(16)));
typedef float v2 __attribute__((vector_size(8)));
struct vectors { char a; v4 b; char c; v2 d[2]; };
enum negative { MINUS = -1, PLUS = 5 };
enum big { HUGE_ONE = 0x7fffffffffffffffLL, SMALL = 1 };
enum unsigned_big { ALL = 0xffffffffffffffffULL };
enum __attribute__((packed)) tiny { TWO_HUNDRED = 200 };
struct enums { enum negative a; char b; enum big c; enum tiny d; enum unsigned_big e; enum tiny f:4; };
struct pointers { char a; void *b; int (*c)(struct pointers *, ...); char d; struct pointers *(*e[3])(void); };
struct arrays { char a[3][5]; short b; struct plain c[2][2]; };
typedef struct { char a; double b; } by_typedef;
struct uses_typedef { char a; by_typedef b; by_typedef *c; };
struct plain g1; struct packed g2; struct pragma_packed g3; struct aligned g4; struct inner_aligned g5; struct bits g6;
struct packed_bits g7; struct bits_only g8; struct holder g9; struct nested g10; union mixed g11; struct flexible *g12;
struct zero_length *g13; struct wide g14; struct vectors g15; struct enums g16; struct pointers g17; struct arrays g18;
struct uses_typedef g19; struct packed_aligned g20; struct empty_tail g21;
"""
ATOMIC = """
struct small { char a, b, c; };
struct pair { int a, b; };
struct atomics { char a; _Atomic long b; char c; _Atomic short d; char *_Atomic e; };
struct atomic_aggregates { char a; _Atomic struct pair b; char c; _Atomic struct small d; };
struct atomics g1; struct atomic_aggregates g2;
"""
RECORDS = 21


def _checked(folder: Path, source: str, *flags: str, compiler: str, alignment: bool = True) -> int:
    program = read(build(folder, "-shared", "-fPIC", *flags, compiler=compiler, odd_c=source))
    said = compiler_says(folder, source, program, *flags, compiler=compiler)
    known = model_says(program)
    if not alignment:
        said, known = ({line for line in lines if " align " not in line} for lines in (said, known))
    assert known == said
    return sum(line.split(" ")[-2] == "size" for line in said)


@pytest.mark.parametrize(("compiler", "version"), STYLES)
def test_every_odd_record_is_laid_out_as_the_compiler_says(tmp_path: Path, compiler: str, version: str) -> None:
    assert _checked(tmp_path, ODD, version, compiler=compiler) >= RECORDS


@pytest.mark.parametrize("flags", [("-fshort-enums",), ("-O2",), ("-gdwarf64",), ("-fdebug-types-section",), ("-gz",)])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_flags_change_how_it_is_written_and_not_what_is_read(
    tmp_path: Path, compiler: str, flags: tuple[str, ...]
) -> None:
    assert _checked(tmp_path, ODD, *flags, compiler=compiler) >= RECORDS


@pytest.mark.parametrize("compiler", COMPILERS)
def test_atomic_members_have_the_alignment_of_their_size(tmp_path: Path, compiler: str) -> None:
    assert _checked(tmp_path, ATOMIC, "-gdwarf-5", compiler=compiler) == 4


def test_older_dwarf_is_read_without_the_alignment_it_does_not_hold(tmp_path: Path) -> None:
    assert _checked(tmp_path, ODD, "-gdwarf-3", "-gstrict-dwarf", compiler="gcc", alignment=False) >= RECORDS


HEAD = re.compile(r"^((?:struct|union) \w+) {$")
MEMBER = re.compile(r"^\t\w[^(:]*?(\w+)(?:\[\d*\])*(?: __attribute__\(.*\))?; +/\* +(\d+) +(\d+) \*/$")
SIZE = re.compile(r"^\t/\* size: (\d+), ")


def _pahole_says(path: Path) -> Iterator[tuple[str, str, int]]:
    """Record, member and offset in bytes for what is no bit-field; the record's size under an empty name."""
    record = ""
    for line in run("pahole", "-F", "dwarf", str(path), cwd=path.parent).out.splitlines():
        if head := HEAD.match(line):
            record = head[1]
        elif member := MEMBER.match(line):
            yield record, member[1], int(member[2])
        elif size := SIZE.match(line):
            yield record, "", int(size[1])


@needs("pahole")
@pytest.mark.parametrize("compiler", COMPILERS)
def test_sizes_and_offsets_are_those_of_pahole(tmp_path: Path, compiler: str) -> None:
    path = build(tmp_path, "-c", compiler=compiler, odd_c=ODD)
    said = set(_pahole_says(path))
    records = read(path).records
    known = {(record.key, "", record.size) for record in records.values()}
    known |= {(r.key, m.name, m.offset // 8) for r in records.values() for m in r.members if m.width is None}
    assert said - known == set()
    assert len(said) > 70


@pytest.mark.parametrize("compiler", COMPILERS)
def test_enumerations_keep_values_size_and_sign(tmp_path: Path, compiler: str) -> None:
    enums = read(build(tmp_path, "-c", compiler=compiler, odd_c=ODD)).enums
    found = {key: (enum.constants, enum.size, enum.signed) for key, enum in enums.items()}
    assert found == {
        "enum negative": ((("MINUS", -1), ("PLUS", 5)), 4, True),
        "enum big": ((("HUGE_ONE", 0x7FFFFFFFFFFFFFFF), ("SMALL", 1)), 8, False),
        "enum unsigned_big": ((("ALL", 0xFFFFFFFFFFFFFFFF),), 8, False),
        "enum tiny": ((("TWO_HUNDRED", 200),), 1, False),
    }


def test_short_enumerations_are_short(tmp_path: Path) -> None:
    source = "enum e { A = -1, B = 100 } x; enum f { C = 300 } y; enum g { D = -9223372036854775807L - 1 } z;"
    enums = read(build(tmp_path, "-c", "-fshort-enums", a_c=source)).enums
    assert {key: (enum.size, enum.signed, enum.constants[0][1]) for key, enum in enums.items()} == {
        "enum e": (1, True, -1),
        "enum f": (2, False, 300),
        "enum g": (8, True, -(1 << 63)),
    }
