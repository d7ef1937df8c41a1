"""Every construct of GNU C that real programs use reads without a gap, and means what the compiler means by it."""

# ruff: noqa: E501 -- each construct stays one piece of C

import re
import subprocess
from pathlib import Path

import pytest

from patchkit.model.ctype import spell
from patchkit.model.program import Linkage, Program
from tests.support.reading import read_c, read_files

READS = {
    "attributes": """
        struct __attribute__((packed)) p { char c; int i; } __attribute__((aligned(2)));
        static int unused_one __attribute__((unused, section(".mine"))) = 1;
        __attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...);
        void die(const char *fmt, ...) { (void)fmt; for (;;) ; }""",
    "asm": """
        extern int renamed(int) __asm__("other_name");
        asm(".globl nothing");
        int add(int a) { int r; __asm__ volatile("mov %1, %0" : "=r"(r) : "r"(a)); return r; }""",
    "typeof": """
        int base; typeof(base) same; __typeof__(int *) pointer;
        #define max(a,b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a > _b ? _a : _b; })
        int larger(int a, int b) { return max(a, b); }""",
    "statement expression in an initialiser": "int f(void) { int x = ({ int y = 2; y * 3; }); return x; }",
    "int128": "__int128 wide; unsigned __int128 unsigned_wide; struct w { __int128 a; char b; };",
    "Float128": "_Float128 quad; __float128 also; _Float32 single; _Float64x extended;",
    "auto_type": "int g(void) { __auto_type v = 3L; return (int)v; }",
    "Generic": """
        #define name_of(x) _Generic((x), int: "int", default: "other")
        const char *n(void) { return name_of(1); }
        int sized[_Generic(1, int: 4, default: 2)];""",
    "designated and range initialisers": """
        int table[] = { [0 ... 3] = 7, [8] = 1 }; enum { SLOT = 4 }; const char *names[] = { [SLOT] = "x", "y" };
        struct point { int x, y; } origin = { .y = 2, .x = 1 };""",
    "case ranges": "int c(int x) { switch (x) { case 1 ... 5: return 1; default: return 0; } }",
    "computed goto": """
        int run(int i) { static void *labels[] = { &&one, &&two }; goto *labels[i]; one: return 1; two: return 2; }""",
    "nested functions": "int outer(int a) { int inner(int b) { return a + b; } return inner(2); }",
    "vector types": "typedef int v4si __attribute__((vector_size(16))); v4si v; v4si twice(v4si a) { return a + a; }",
    "definitions of before C89": """
        int old(a, b, c) int a; char *b; double c; { return a + *b + (int)c; }
        implicit(x) { return x; }""",
    "C23 attributes": "[[deprecated]] int oldest(void); struct [[gnu::packed]] s { char c; [[maybe_unused]] int i; } sv;",
    "thread-local": "static __thread int t1; _Thread_local long t2 = 4; extern __thread int t3;",
    "zero-length and flexible arrays": "struct z { int n; int tail[0]; }; struct f { int n; char tail[]; } *fp;",
    "bit-fields": "struct b { unsigned a:3, :5, c:8; int :0; _Bool d:1; enum { P, Q } e:2; } bits;",
    "unnamed members": "struct u { union { int i; struct { short lo, hi; }; }; struct { int a:4; }; int z; } un;",
    "tag inside a struct": "struct outer { struct inner { int deep; } in; enum kind { A1, B1 } k; } o; struct inner other;",
    "function pointers": """
        typedef int (*handler)(void *, int (*)(const char *, ...)); handler table2[4];
        int (*(*chooser)(int))(double); void (*signal_like(int, void (*)(int)))(int);""",
    "pragma pack": "#pragma pack(push, 1)\nstruct k { char c; long l; } kv;\n#pragma pack(pop)\nstruct n { char c; long l; } nv;",
    "alignas and static assertions": """
        _Static_assert(sizeof(int) == 4, "int"); struct al { _Alignas(32) char c; _Static_assert(1, "x"); int i; } alv;""",
    "atomic": "_Atomic int a1; _Atomic(long) a2; struct at { _Atomic unsigned char c; int *_Atomic p; } at;",
    "complex": "double _Complex dc; float _Complex fc; _Complex double dc2;",
    "a local that shadows a typedef": """
        typedef struct item { int v; } item; struct item *get(void);
        int use(void) { struct item *item = get(); return item->v; }""",
    "a function with the name of a type elsewhere": "typedef int field; int h(field f) { return f; }",
    "extern inline": "extern inline __attribute__((gnu_inline)) int ei(int x) { return x; } inline int pi(void) { return 1; }",
    "local types of static locals": """
        int counter(void) { static struct { int hits; long since; } state; struct loc { char c[3]; };
          static struct loc l; { static int again; again++; } { static int again = 2; again++; } return state.hits + l.c[0]; }""",
    "strings as initialisers": 'char text[] = "hello" " world"; const char *list[] = { "a", "b", }; char braced[] = {"xyz"};',
    "K&R empty parameters": "int none(); int none() { return 1; } int really(void) { return 2; }",
    "enum with a 64-bit constant": "enum big { SMALL = -1, LARGE = 0x7fffffffffffLL } bigv; enum uns { TOP = 0xffffffffu } u;",
    "builtin va_list": "#include <stdarg.h>\nstruct va { va_list ap; }; void vf(const char *f, ...) { va_list a; va_start(a, f); va_end(a); }",
    "typedef of function and array": "typedef void callback(int); typedef char name_t[32]; callback *cb; name_t names2[2];",
    "several declarators": "struct two { int x; } first, *second, third[3]; int i1, *i2, (*i3)(void), i4[2][3];",
    "constant expressions": """
        #define SHIFT 4
        enum { COUNT = 1 << SHIFT, LAST = COUNT - 1 }; char buffer[COUNT * sizeof(long) + (LAST ? 1 : 0)];
        struct sized { char a[sizeof(struct { int q; char r; })]; int b[__builtin_offsetof(struct sized2, y)]; };""".replace(
        "struct sized {", "struct sized2 { long x, y; }; struct sized {"
    ),
    "sizes of variables": """
        static const char *names3[] = { "a", "b" }; int flags[sizeof(names3) / sizeof(names3[0])]; char copy[sizeof flags];""",
    "variable argument lists": "#include <stdarg.h>\nva_list kept; struct holds { va_list inner; } holds;",
    "bounds that are parameters": "int sum(int n, int (*rows)[n], int m[n][n]) { return rows[0][0] + m[0][0]; } int after_sum;",
    "functions declared through a typedef": "typedef int handler_t(void); handler_t one, two; int one(void) { return 1; } int three;",
    "extension marker": "__extension__ typedef long long ll; __extension__ struct ex { __extension__ union { int a; }; } exv;",
    "line continuation and odd spacing": "struct\nodd\n{\n  int\n  a\n;\n} ;  static\nint\nq\n;",
}


@pytest.mark.parametrize("construct", READS)
def test_reads_without_a_gap_and_with_the_compilers_sizes(construct: str, tmp_path: Path) -> None:
    source = READS[construct] + "\n"
    program = read_c(tmp_path, source, "-std=gnu2x" if "C23" in construct else "-std=gnu11", "-w")
    assert program.gaps == ()
    assert sizes(program) == compiled_sizes(tmp_path, program)


def sizes(program: Program) -> dict[str, int]:
    """The size of each variable that has a symbol of its own name."""
    return {v.name: v.size for v in program.variables.values() if v.linkage is not Linkage.LOCAL}


def compiled_sizes(root: Path, program: Program) -> dict[str, int]:
    """The same from the symbol table of the compiled file."""
    flags = program.units[0].flags
    subprocess.run(["gcc", *flags, "-w", "-fno-common", "-c", "a.c", "-o", "a.o"], cwd=root, check=True)
    listing = subprocess.run(["readelf", "-sW", root / "a.o"], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^\s*\d+: [0-9a-f]+\s+(\d+) (?:OBJECT|TLS)\s+\w+\s+\w+\s+\d+ (\w+)$", listing, re.M)
    return {name: int(size) for size, name in found}


def test_bit_fields_lie_where_the_compiler_puts_them(tmp_path: Path) -> None:
    program = read_c(tmp_path, READS["bit-fields"] + "\n")
    members = {m.name: (m.offset, m.width) for m in program.records["struct b"].members}
    assert members == {"a": (0, 3), "c": (8, 8), "d": (32, 1), "e": (33, 2)}


def test_unnamed_members_have_places_and_keys_of_their_own(tmp_path: Path) -> None:
    program = read_c(tmp_path, READS["unnamed members"] + "\n")
    assert [(m.name, m.offset, m.size) for m in program.records["struct u"].members] == [
        ("", 0, 32),
        ("", 32, 32),
        ("z", 64, 32),
    ]
    inner = program.records["union u.#0"]
    assert inner.parent == "struct u"
    assert [(m.name, m.offset) for m in inner.members] == [("i", 0), ("", 0)]
    assert [(m.name, m.offset, m.width) for m in program.records["struct u.#1"].members] == [("a", 0, 4)]


def test_static_locals_are_known_by_function_name_and_ordinal(tmp_path: Path) -> None:
    program = read_c(tmp_path, READS["local types of static locals"] + "\n")
    locals_ = {v.key for v in program.variables.values() if v.linkage is Linkage.LOCAL}
    assert locals_ == {f"a.c:counter:{name}" for name in ("state", "l", "again", "again#1")}


def test_old_style_definition_has_the_types_of_its_declarations(tmp_path: Path) -> None:
    program = read_c(tmp_path, READS["definitions of before C89"] + "\n", "-std=gnu11", "-w")
    assert spell(program.functions["old"].type, "old") == "int old(int, char *, double)"
    assert not program.functions["old"].type.prototyped
    assert spell(program.functions["implicit"].type.result) == "int"


def test_typedef_of_an_unnamed_struct_and_a_tagged_one_are_one(tmp_path: Path) -> None:
    unnamed = read_c(tmp_path / "one", "typedef struct { int a; } T; T t;\n")
    tagged = read_c(tmp_path / "two", "typedef struct T { int a; } T; T t;\n")
    assert unnamed.records["struct T"].fingerprint == tagged.records["struct T"].fingerprint
    assert unnamed.variables["t"].fingerprint == tagged.variables["t"].fingerprint


def test_bodies_do_not_change_with_comments_space_and_lines(tmp_path: Path) -> None:
    head = "#include <assert.h>\n"
    before = read_c(tmp_path / "one", head + "int f(int x) { assert(x); return x + __LINE__; }\n")
    after = read_c(
        tmp_path / "two", head + "\n\n/* why */ int f(int x)\n{ assert(x);\n // so\n return x + __LINE__; }\n"
    )
    assert before.functions["f"].body == after.functions["f"].body


def test_constant_macros_have_values_and_others_are_left_out(tmp_path: Path) -> None:
    source = """
        #define PLAIN 42
        #define OCTAL 010
        #define MASK (1U << 31)
        #define NEGATIVE (-1)
        #define SUM (PLAIN + OCTAL * 2)
        #define SIZE sizeof(struct pair)
        #define NAME "server " VERSION
        #define VERSION "1.2"
        #define RATIO 0.75
        #define LETTER 'A'
        #define CALL(x) (x)
        #define CODE do { } while (0)
        #define TYPE unsigned long
        #define EMPTY
        #define OTHER undeclared_thing
        struct pair { int a, b; };
        enum colour { RED = 3 };
        #define FIRST RED
        """
    program = read_c(tmp_path, source.replace("\n        ", "\n"))
    found = {m.name: m.value for m in program.macros.values()}
    assert found == {
        "PLAIN": 42,
        "OCTAL": 8,
        "MASK": 1 << 31,
        "NEGATIVE": -1,
        "SUM": 58,
        "SIZE": 8,
        "NAME": '"server " "1.2"',
        "VERSION": '"1.2"',
        "RATIO": "0.75",
        "LETTER": 65,
        "FIRST": 3,
    }


def test_one_name_may_mean_different_things_in_different_units(tmp_path: Path) -> None:
    program = read_files(
        tmp_path,
        {
            "a.c": "struct dict { int a; }; struct holder { struct dict *d; }; struct holder h1; struct dict d1;\n",
            "b.c": "struct dict { long b, c; }; struct dict d2;\n",
            "c.c": "struct dict { int a; }; struct dict d3;\n",
        },
    )
    assert program.records["struct dict"].size == 4
    assert program.records["struct dict@b.c"].size == 16
    assert {name: program.variables[name].size for name in ("d1", "d2", "d3")} == {"d1": 4, "d2": 16, "d3": 4}
    assert spell(program.variables["d2"].type) == "struct dict@b.c"


def test_a_static_prototype_counts_in_its_own_unit_only(tmp_path: Path) -> None:
    program = read_files(
        tmp_path,
        {
            "a.c": "static int f(void);\nint g(void) { return f(); }\nint f(void) { return 1; }\n",
            "b.c": "int f(void);\nint f(void) { return 2; }\n",
        },
    )
    assert program.functions["a.c:f"].linkage is Linkage.STATIC
    assert program.functions["f"].linkage is Linkage.EXTERNAL


def test_two_files_of_one_base_name_keep_their_statics_apart(tmp_path: Path) -> None:
    program = read_files(
        tmp_path,
        {
            "x/sds.c": "static int state; int fx(void) { return state; }\n",
            "y/sds.c": "static long state; long fy(void) { return state; }\n",
        },
    )
    assert program.variables["x/sds.c:state"].size == 4
    assert program.variables["y/sds.c:state"].size == 8


def test_what_the_debug_information_drops_is_read_here(tmp_path: Path) -> None:
    program = read_c(tmp_path, "struct unused { int a; }; static inline int never(struct unused *u) { return u->a; }\n")
    assert "struct unused" in program.records
    assert "a.c:never" in program.functions


def test_references_members_and_writes_of_a_body(tmp_path: Path) -> None:
    source = """
        struct node { int value; struct node *next; };
        static struct node *list; int limit; int count;
        int helper(struct node *n);
        int f(struct node *n, int limit2) { list->next = n; count++; if (n->value == limit) return helper(n); return limit2; }
        """
    program = read_c(tmp_path, source)
    function = program.functions["f"]
    assert set(function.references) >= {"list", "count", "limit", "helper"}
    assert function.members == ("next", "value")
    assert function.assigned == ("count", "list")


def test_a_unit_with_unbalanced_braces_is_a_gap_that_names_the_line(tmp_path: Path) -> None:
    program = read_c(tmp_path, "int fine;\nstruct broken { int a;\n")
    (gap,) = program.gaps
    assert (gap.coord.file, gap.coord.line) == ("a.c", 2)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_both_compilers_texts_are_read(compiler: str, tmp_path: Path) -> None:
    source = "#include <stdio.h>\n#define N 3\nstruct s { int a[N]; FILE *f; } s;\nint main(void) { return N; }\n"
    program = read_c(tmp_path, source, compiler=compiler)
    assert program.gaps == ()
    assert program.records["struct s"].size == 24
    assert program.macros["N"].value == 3
    assert program.machine == "x86-64"
