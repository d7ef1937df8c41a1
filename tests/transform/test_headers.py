"""Frozen headers: whatever C a program has, its types compile again under other names with the same layout."""

from pathlib import Path

import pytest

from patchkit.diff.types import Types
from patchkit.transform.migration import Side
from patchkit.transform.names import Names
from tests.support import ROOT, needs, run
from tests.support.frozen import COMPILERS, compile_strictly, freeze, header_of
from tests.support.reading import read_c, read_files

SOURCE = r"""
#include <complex.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
enum color { RED, GREEN = 5, BLUE = -1 };
enum { FIRST, SECOND };
enum big { BIG = 0x1ffffffffLL };
enum small { S1, S2 } __attribute__((packed));
typedef struct { int x; enum { IN1, IN2 } e; } unnamed_t;
typedef int row_t[4];
typedef unnamed_t many_t[3];
typedef const char *cstr;
typedef const int cint;
typedef volatile row_t vrow;
typedef float v4 __attribute__((vector_size(16)));
struct bits { int a : 3; unsigned b : 29; unsigned long c : 33; _Bool d : 1; char e; unsigned f : 5; int : 0;
              unsigned g : 2; enum color h : 4; signed char i : 7; };
struct __attribute__((packed)) tight { char c; long l; unsigned a : 3; unsigned b : 30; short s; struct bits in; };
#pragma pack(push, 2)
struct halves { char c; long l; int i; unsigned long f : 60; };
#pragma pack(pop)
struct far { char c; int x __attribute__((aligned(32))); char d; };
struct line { int a; } __attribute__((aligned(64)));
struct flex { int n; struct { int k; char v[]; } last; };
struct rows { int n; unnamed_t rows[]; };
struct zero { int n; char d[0]; };
struct empty {};
union word { int i; float f; char *p; struct { int a, b; }; long arr[3]; };
struct work;
typedef void handler(struct work *, enum color, struct tm, FILE *);
struct outer {
    struct { int p; union { int q; long r; }; struct { char z : 3; char y : 2; int w; }; } stats;
    union { int q2; double r2; struct { char k1; int k2; } kk; };
    struct { int h; } arr[4][5];
    struct { int pp; } *ptr;
    handler *h; int (*cmp)(const void *, const void *); void (*table[3])(cstr);
    pthread_mutex_t m; FILE *log; struct timespec ts; va_list va;
    many_t rows; const cint ci; vrow vr; _Atomic int ai; _Atomic(long) al; cstr name; const char *const cc[3];
    long double ld; __int128 i128; unsigned __int128 u128; double complex dc; v4 vec; _Float128 f128;
    enum color col; enum small sm; enum big bg; enum { LOCAL = 7 } loc; uint8_t b8; size_t sz; time_t t;
    struct work *work; struct outer *next, **all; int (*arrp)[4];
    union word u; struct far far; struct line line; struct tight tight; struct halves halves;
    struct empty empty; struct zero zero;
};
struct work { struct flex *f; struct rows *g; int new; int old; };
struct outer outer;
static struct { int q; struct { int in; } deep[2]; } nameless;
int main(void) { struct local { int a; struct local *n; }; static struct local here; return here.a + nameless.q; }
"""


def compiled(folder: Path, *flags: str) -> list[str]:
    (folder / "both.c").write_text('#include "old.h"\n#include "new.h"\n')
    return compile_strictly(folder, "both.c", *flags)


@needs("gcc", "clang")
@pytest.mark.parametrize("flags", [(), ("-fshort-enums",), ("-fpack-struct",), ("-fpack-struct=2",)])
def test_every_type_of_gnu_c_keeps_its_layout(tmp_path: Path, flags: tuple[str, ...]) -> None:
    program = read_c(tmp_path, SOURCE, *flags)
    assert not program.gaps
    freeze(tmp_path, program, program)
    assert compiled(tmp_path, *flags) == []


@needs("gcc", "clang")
@pytest.mark.parametrize("record", ["struct bits", "struct tight", "struct halves"])
def test_bit_fields_lie_where_the_program_has_them(tmp_path: Path, record: str) -> None:
    """No assertion can say where a bit-field is, so both types are filled, one bit-field at a time."""
    program = read_c(tmp_path, SOURCE)
    (tmp_path / "old.h").write_text(header_of(program, Side.OLD))
    name = Names(Types(program), Side.OLD).record(record)
    fields = [member.name for member in program.records[record].members if member.width is not None and member.name]
    checks = [
        f"memset(&one, 0, sizeof one); memset(&two, 0, sizeof two); one.{field} -= 1; two.{field} -= 1;"
        f' if (memcmp(&one, &two, sizeof one)) puts("{field}");'
        for field in fields
    ]
    body = f"{record} one; {name} two; {' '.join(checks)} return 0;"
    source = SOURCE.replace("int main(void) {", "int other(void) {").replace(" _Float128 f128;", "")  # clang
    (tmp_path / "bits.c").write_text(f'{source}\n#include "old.h"\n#include <string.h>\nint main(void) {{ {body} }}\n')
    for compiler in COMPILERS:
        assert run(compiler, "-w", "-std=gnu11", "bits.c", "-o", "bits", cwd=tmp_path).err == ""
        assert run("./bits", cwd=tmp_path).out == ""


@needs("gcc", "clang")
def test_one_name_of_two_files_is_two_types(tmp_path: Path) -> None:
    files = {
        "a.c": "enum mode { ON, OFF }; struct job { enum mode mode; }; struct job a;\n",
        "b.c": "enum mode { OFF, ON }; struct job { long left; enum mode mode; }; struct job b;\n",
    }
    program = read_files(tmp_path, files)
    names = Names(Types(program), Side.OLD)
    assert {names.record(key) for key in program.records} == {"struct old_job", "struct old_job__b_c"}
    freeze(tmp_path, program, program)
    assert compiled(tmp_path) == []


@needs("gcc", "clang")
def test_the_systems_own_headers_may_stand_beside(tmp_path: Path) -> None:
    source = "#include <stdio.h>\n#include <time.h>\nstruct log { FILE *file; struct tm *when; struct tm last; } log;\n"
    program = read_c(tmp_path, source)
    (tmp_path / "old.h").write_text(header_of(program, Side.OLD))
    (tmp_path / "beside.c").write_text(
        '#include "old.h"\n#include <stdio.h>\n#include <time.h>\n'
        'void f(struct old_log *log);\nvoid f(struct old_log *log) { fprintf(log->file, "%d", log->when->tm_year); }\n'
    )
    assert compile_strictly(tmp_path, "beside.c") == []


@needs("gcc", "clang")
@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_all_types_of_kvd_compile(tmp_path: Path, version: str) -> None:
    folder = ROOT / "corpora/programs/kvd" / version
    files = {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*.[ch]")}
    program = read_files(tmp_path, files, "-D_GNU_SOURCE", "-I.")
    assert not program.gaps
    freeze(tmp_path, program, program)
    assert compiled(tmp_path) == []
