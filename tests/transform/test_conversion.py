"""Each kind of change to a record: the C that converts it, compiled by every compiler and run on objects."""

from pathlib import Path

import pytest

from tests.support import needs
from tests.support.converting import check, conversions

pytestmark = needs("gcc", "clang")


def test_t01_a_new_member_begins_as_decided(tmp_path: Path) -> None:
    old = "enum m { SLOW, FAST }; struct p { int x, y; }; struct a { int n; struct p p; } a;"
    new = (
        "#define LIMIT 40\nenum m { SLOW, FAST = 7 }; struct p { int x, y; };"
        "struct a { int n, twice; enum m m; char name[8]; unsigned char bits : 3; struct p p, q; int all[3]; void *v;"
        " short limit; double none; } a;"
    )
    answers = {
        "initial struct a.twice": "old->n * 2",
        "initial struct a.m": "FAST",
        "initial struct a.name": '"n/a"',
        "initial struct a.bits": "new->twice & 7",
        "initial struct a.q": "{.x = 3}",
        "initial struct a.all": "5",
        "initial struct a.v": "NULL",
        "initial struct a.limit": "LIMIT + 1",
    }
    converted = conversions(tmp_path, old, new, answers)
    assert converted.asked == {"initial struct a.none": "0"}
    check(
        tmp_path,
        converted,
        "from.n = 9; from.p.y = 4; CHECK(!CONVERT(a)); CHECK(to.n == 9 && to.twice == 18 && to.m == 7);"
        'CHECK(!memcmp(to.name, "n/a\\0\\0\\0\\0", 8)); CHECK(to.bits == 2 && to.q.x == 3 && to.q.y == 0);'
        "CHECK(to.p.y == 4 && to.all[0] == 5 && to.all[2] == 5 && !to.v && to.limit == 41 && to.none == 0);",
    )


def test_t02_a_pointer_that_goes_is_asked_about(tmp_path: Path) -> None:
    old = "struct a { int n, old; char *text; } a;"
    converted = conversions(tmp_path, old, "struct a { int n; } a;")
    assert converted.asked == {"member struct a.text": "-"}
    decided = conversions(tmp_path, old, "struct a { int n; } a;", {"member struct a.text": "-"})
    assert decided.asked == {}
    check(tmp_path, decided, "from.n = 3; CHECK(!CONVERT(a) && to.n == 3);")


def test_t03_members_are_found_wherever_they_are(tmp_path: Path) -> None:
    old = "struct a { char c; long l; short s; } __attribute__((packed)); struct a a;"
    new = "struct a { short s; long l __attribute__((aligned(64))); char c; } a;"
    converted = conversions(tmp_path, old, new)
    assert converted.conversions.done["struct a"].runs == [(0, 72, 1), (1, 64, 8), (9, 0, 2)]
    check(tmp_path, converted, "from.c = 1; from.l = -2; from.s = 3; CHECK(!CONVERT(a) && to.c == 1 && to.l == -2);")


def test_t04_a_rename_is_asked_and_then_kept(tmp_path: Path) -> None:
    old, new = "struct a { int port; int n; } a;", "struct a { int tcp_port; int n; } a;"
    assert conversions(tmp_path / "1", old, new).asked == {"member struct a.port": "tcp_port"}
    kept = conversions(tmp_path / "2", old, new, {"member struct a.port": "tcp_port"})
    assert kept.asked == {}
    check(tmp_path, kept, "from.port = 80; CHECK(!CONVERT(a) && to.tcp_port == 80);")
    dropped = conversions(tmp_path / "3", old, new, {"member struct a.port": "-"})
    assert dropped.asked == {"initial struct a.tcp_port": "0"}


@pytest.mark.parametrize(
    ("old", "new", "kept", "refused"),
    [
        ("unsigned", "unsigned long", ["0u", "4294967295u"], []),  # T05
        ("short", "long long", ["-32768", "32767"], []),
        ("long", "int", ["-2147483647 - 1", "2147483647"], ["2147483648L", "-2147483649L"]),  # T06
        ("int", "unsigned", ["0", "2147483647"], ["-1"]),
        ("unsigned long", "long", ["9223372036854775807ul"], ["9223372036854775808ul"]),
        ("long", "unsigned char", ["0", "255"], ["256", "-1"]),
        ("int", "_Bool", ["0", "1"], ["2", "-1"]),
        ("_Bool", "int", ["0", "1"], []),
        ("signed char", "char", ["-128", "127"], []),
        ("double", "float", ["0.5", "-1e10"], ["0.1", "1e300"]),
        ("float", "double", ["0.1f", "-1e30f"], []),
        ("float", "long double", ["0.1f"], []),
        ("long double", "double", ["0.25L"], ["0.1L"]),
        ("int", "float", ["16777216", "-3"], ["16777217"]),
        ("long", "double", ["1L << 60"], ["(1L << 60) + 1", "9223372036854775807L"]),
        ("unsigned long", "float", ["1ul << 63"], ["18446744073709551615ul"]),
        ("double", "int", ["-2147483648.0", "7.0"], ["0.5", "2147483648.0", '__builtin_nan("")']),
        ("double", "unsigned long", ["18446744073709549568.0"], ["-1.0", "18446744073709551616.0"]),
        ("float", "_Bool", ["1.0f"], ["2.0f", "0.5f"]),
        ("__int128", "long", ["-5"], ["(__int128)1 << 64"]),
        ("long", "unsigned __int128", ["5"], ["-1"]),
        ("unsigned __int128", "__int128", ["5"], ["(unsigned __int128)1 << 127"]),
        ("enum e", "unsigned char", ["old_E2"], ["old_E300"]),
        ("unsigned short", "enum e", ["2", "300"], ["3", "65535"]),
        ("_Bool", "enum e", ["1"], ["0"]),
    ],
)
def test_t06_a_live_value_that_does_not_fit_ends_the_update(
    tmp_path: Path, old: str, new: str, kept: list[str], refused: list[str]
) -> None:
    text = "enum e {{ E1 = 1, E2 = 2, E300 = 300 }}; struct a {{ {} v; enum e e; }} a;"
    converted = conversions(tmp_path, text.format(old), text.format(new))
    assert converted.asked == {}
    same = "(long double)to.v == (long double)from.v"
    body = [f"from.v = {value}; CHECK(!CONVERT(a)); CHECK({same});" for value in kept]
    body += [f'from.v = {value}; CHECK(CONVERT(a)); CHECK(!strncmp(refused, "struct a.v: ", 12));' for value in refused]
    check(tmp_path, converted, "\n".join(body))


def test_t08_a_pointer_leads_to_where_its_object_is(tmp_path: Path) -> None:
    old = "struct b { int n; }; struct a { struct b *b; struct a *next; volatile int *v; const char *s; void *u;"
    old += " int **pp; struct b *many[2][3]; struct { struct b *in; } part; long word; int gone; } a;"
    converted = conversions(tmp_path, old, old.replace(" int gone;", ""))
    assert converted.asked == {}
    check(
        tmp_path,
        converted,
        "from.b = PLACE(16); from.next = PLACE(32); from.v = PLACE(48); from.s = PLACE(64);"
        "from.many[1][2] = PLACE(80);"
        "from.part.in = PLACE(96); from.word = 112; CHECK(!CONVERT(a));"
        "CHECK((char *)to.b == (char *)16 + MOVED && (char *)to.next == (char *)32 + MOVED && !to.u && !to.pp);"
        "CHECK((char *)to.many[1][2] == (char *)80 + MOVED && (char *)to.part.in == (char *)96 + MOVED);"
        "CHECK(to.word == 112 && !to.many[0][0] && to.s == (char *)64 + MOVED && to.v == (int *)PLACE(48 + MOVED));",
    )


def test_t08_a_pointer_to_another_type_is_for_a_programmer(tmp_path: Path) -> None:
    types = "struct b { int n; }; struct c { long m; };"
    converted = conversions(
        tmp_path, f"{types} struct a {{ struct b *p; int n; }} a;", f"{types} struct a {{ struct c *p; int n; }} a;"
    )
    assert converted.asked == {"code struct a": "transform.c"}


def test_t08_what_was_untyped_is_kept_when_it_is_confirmed(tmp_path: Path) -> None:
    old, new = "struct b { int n; }; struct a { void *p; } a;", "struct b { int n; }; struct a { struct b *p; } a;"
    assert conversions(tmp_path / "1", old, new).asked == {"member struct a.p": "p"}
    converted = conversions(tmp_path / "2", old, new, {"member struct a.p": "p"})
    assert converted.asked == {}
    check(tmp_path, converted, "from.p = PLACE(8); CHECK(!CONVERT(a) && to.p == PLACE(8 + MOVED));")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "struct p { int x; }; struct a { struct p p; } a;",
            "struct p { int x; }; struct a { struct p *p; } a;",
        ),  # T09
        ("struct p { int x; }; struct a { struct p *p; } a;", "struct p { int x; }; struct a { struct p p; } a;"),
        ("struct a { int v[4]; } a;", "struct a { int *v; } a;"),  # T12
        ("struct a { int *v; } a;", "struct a { int v[4]; } a;"),
        ("struct a { int n; int v[4]; } a;", "struct a { int n; int v[]; } a;"),
        ("struct a { int v; } a;", "struct a { int v[2]; } a;"),
    ],
)
def test_t09_t12_what_has_to_be_allocated_is_for_a_programmer(tmp_path: Path, old: str, new: str) -> None:
    converted = conversions(tmp_path, old, new)
    assert converted.asked == {"code struct a": "transform.c"}
    check(tmp_path, converted, "CHECK(!CONVERT(a));")


def test_t10_an_array_grows_and_its_new_end_is_decided(tmp_path: Path) -> None:
    old = "struct p { short x; char *s; }; struct a { int v[2], w[2]; struct p p[2]; char m[2][3]; } a;"
    new = "struct p { int x; char *s; }; struct a { int v[4], w[4]; struct p p[3]; char m[3][5]; } a;"
    assert conversions(tmp_path / "1", old, new).asked == {"initial struct a.p": "0"}
    answers = {"initial struct a.p": "{.x = 7}", "initial struct a.w": "-1", "initial struct a.m": "0"}
    converted = conversions(tmp_path / "2", old, new, answers)
    check(
        tmp_path,
        converted,
        "from.v[1] = 5; from.w[0] = 6; from.p[1].x = -8; from.p[1].s = PLACE(8); from.m[1][2] = 9;"
        "CHECK(!CONVERT(a) && to.v[1] == 5 && !to.v[3] && to.w[0] == 6 && to.w[2] == -1 && to.w[3] == -1);"
        "CHECK(to.p[1].x == -8 && (char *)to.p[1].s == (char *)8 + MOVED && to.p[2].x == 7 && !to.p[2].s);"
        "CHECK(to.m[1][2] == 9 && !to.m[2][0]);",
    )


def test_t11_an_array_shrinks_only_where_nothing_is_lost(tmp_path: Path) -> None:
    old, new = "struct a { char name[8]; int v[4]; } a;", "struct a { char name[4]; int v[2]; } a;"
    converted = conversions(tmp_path / "1", old, new)
    assert converted.asked == {"member struct a.v": "v"}
    check(
        tmp_path,
        converted,
        'strcpy(from.name, "abc"); from.name[6] = 1; from.v[1] = 2; CHECK(!CONVERT(a)); CHECK(!strcmp(to.name, "abc"));'
        'strcpy(from.name, "abcd");'
        'CHECK_REFUSED(a, "struct a.name: a text is longer than the 4 bytes that it has now");'
        'strcpy(from.name, ""); from.v[3] = 1;'
        'CHECK_REFUSED(a, "struct a.v: an element is not zero that the version to come does not have");'
        "CHECK(refused_value == 3);",
    )
    sure = conversions(tmp_path / "2", old, new, {"member struct a.v": "v"})
    check(tmp_path, sure, "from.v[3] = 1; from.v[0] = 4; CHECK(!CONVERT(a) && to.v[0] == 4);")


def test_t11_a_member_tells_how_much_is_in_use(tmp_path: Path) -> None:
    old, new = "struct a { int used; int v[4]; } a;", "struct a { int used; int v[2]; } a;"
    converted = conversions(tmp_path, old, new, {"length struct a.v": "used"})
    assert converted.asked == {}
    check(
        tmp_path,
        converted,
        "from.used = 2; from.v[3] = 9; CHECK(!CONVERT(a)); from.used = 3;"
        'CHECK_REFUSED(a, "struct a.v: more elements are in use than the 2 that it has now");',
    )


@pytest.mark.parametrize("member", ["short v[]", "struct p v[]"])
def test_t12_a_flexible_array_needs_its_count(tmp_path: Path, member: str) -> None:
    old = f"struct p {{ int x; char *s; }}; struct a {{ int size; {member}; }} a;"
    new = f"struct p {{ char *s; int x; }}; struct a {{ long more; int size; {member}; }} a;"
    answers = {"initial struct a.more": "0"}
    assert conversions(tmp_path / "1", old, new, answers).asked == {"length struct a.v": "size"}
    converted = conversions(tmp_path / "2", old, new, answers | {"length struct a.v": "size"})
    assert converted.asked == {}
    value = "v[2]" if "short" in member else "v[2].x"
    check(
        tmp_path,
        converted,
        "struct old_a *o = calloc(1, 256); struct new_a *n = calloc(1, 256);"
        f"o->size = 3; o->{value} = 17; migration.tail = 3;"
        f"CHECK(!pk_convert_a(&migration, o, n)); CHECK(n->{value} == 17);"
        "free(o); free(n); (void)to;",
    )


def test_t13_members_go_into_a_struct_and_come_out_of_one(tmp_path: Path) -> None:
    flat = "struct a { int x, y; char *s; int other; } a;"
    grouped = "struct at { int x, y; char *s; int z; }; struct a { struct at at; int other; } a;"
    into = conversions(tmp_path / "1", flat, grouped, {"initial struct a.at.z": "4"})
    assert into.asked == {}
    check(
        tmp_path,
        into,
        "from.x = 1; from.y = 2; from.s = PLACE(8); CHECK(!CONVERT(a) && to.at.x == 1 && to.at.y == 2 && to.at.z == 4);"
        "CHECK((char *)to.at.s == (char *)8 + MOVED);",
    )
    out = conversions(tmp_path / "2", grouped, flat)
    assert out.asked == {}
    check(tmp_path, out, "from.at.x = 1; from.at.y = 2; CHECK(!CONVERT(a) && to.x == 1 && to.y == 2);")


def test_t13_a_member_that_fits_two_places_is_asked_about(tmp_path: Path) -> None:
    old = "struct a { int x, n; } a;"
    new = "struct a { struct { int x; } one; struct { int x; } two; int n; } a;"
    asked = conversions(tmp_path, old, new).asked
    assert set(asked) == {"member struct a.x"}


def test_t13_unnamed_structs_are_no_matter(tmp_path: Path) -> None:
    old = "struct a { struct { int x; struct { long y; }; }; struct { int k; } part; } a;"
    new = "struct a { long y; struct { struct { char *none; int k; } part; int x; }; } a;"
    converted = conversions(tmp_path, old, new, {"initial struct a.part.none": "NULL"})
    assert converted.asked == {}
    check(
        tmp_path,
        converted,
        "from.x = 1; from.y = 2; from.part.k = 3; CHECK(!CONVERT(a) && to.x == 1 && to.y == 2 && to.part.k == 3);",
    )


def test_t14_t15_what_went_elsewhere_is_for_a_programmer(tmp_path: Path) -> None:
    old = "struct n { int k; struct n *next; }; struct a { struct n *first; int c; } a;"
    new = "struct n { int k; struct n *next; }; struct a { struct n *table[4]; int c; } a;"
    assert conversions(tmp_path, old, new).asked == {"code struct a": "transform.c"}


def test_t16_a_union_keeps_its_bytes(tmp_path: Path) -> None:
    old = "union u { int i; float f; }; struct a { int kind; union u u; union { short s; char c[4]; }; } a;"
    new = "union u { int i; float f; long l[2]; };"
    new += " struct a { union u u; int kind; union { short s; char c[4]; long w; }; } a;"
    converted = conversions(tmp_path, old, new)
    assert converted.asked == {}
    check(
        tmp_path,
        converted,
        "from.u.f = 1.5f; from.c[3] = 7; CHECK(!CONVERT(a) && to.u.l[1] == 0); CHECK(to.u.f > 1.25f && to.c[3] == 7);",
    )


def test_t17_a_condition_tells_which_member_is_in_use(tmp_path: Path) -> None:
    kinds = "enum kind { NUMBER, TEXT, NONE };"
    old = f"{kinds} struct a {{ enum kind kind; union {{ int number; char *text; }} as; }} a;"
    new = f"{kinds} struct a {{ enum kind kind; union {{ char *text; long number; double real; }} as; }} a;"
    assert set(conversions(tmp_path / "1", old, new).asked) == {"union struct a.as"}
    said = "number=it->kind == NUMBER; text=it->kind == TEXT"
    converted = conversions(tmp_path / "2", old, new, {"union struct a.as": said})
    assert converted.asked == {}
    check(
        tmp_path,
        converted,
        "from.kind = old_NUMBER; from.as.number = -3; CHECK(!CONVERT(a)); CHECK(to.as.number == -3);"
        "from.kind = old_TEXT; from.as.text = PLACE(8); CHECK(!CONVERT(a) && (char *)to.as.text == (char *)8 + MOVED);"
        'from.kind = old_NONE; CHECK_REFUSED(a, "struct a.as: no condition tells which member is in use");',
    )


def test_t17_unions_of_unions_in_arrays(tmp_path: Path) -> None:
    old = "struct e { int k; union { int i; struct { char *s; } t; }; }; struct a { struct e e[3]; } a;"
    new = "struct e { int k; union { long i; struct { char *s; int n; } t; }; }; struct a { struct e e[3]; } a;"
    asked = conversions(tmp_path / "1", old, new).asked
    assert set(asked) == {"union union e.#0"}
    answers = {"union union e.#0": "i=it->k == 0; t=it->k == 1", "initial struct e.t.n": "it->k"}
    converted = conversions(tmp_path / "2", old, new, answers)
    assert converted.asked == {}
    check(
        tmp_path,
        converted,
        "from.e[1].i = -4; from.e[2].k = 1; from.e[2].t.s = PLACE(8); CHECK(!CONVERT(a) && to.e[1].i == -4);"
        "CHECK((char *)to.e[2].t.s == (char *)8 + MOVED && to.e[2].t.n == 1);",
    )


def test_t17_a_union_of_pointers_is_led_on(tmp_path: Path) -> None:
    old = "union w { char *s; struct a *a; struct { int *p; long n; } t; }; struct a { union w w; int gone; } a;"
    converted = conversions(tmp_path / "1", old, old.replace(" int gone;", ""))
    assert converted.asked == {}
    check(
        tmp_path,
        converted,
        "from.w.t.p = PLACE(8); from.w.t.n = 5; CHECK(!CONVERT(a) && to.w.s == (char *)8 + MOVED && to.w.t.n == 5);",
    )
    mixed = old.replace("struct { int *p; long n; } t", "long n")
    asked = conversions(tmp_path / "2", mixed, mixed.replace(" int gone;", ""))
    assert set(asked.asked) == {"union struct a.w"}
    forwarded = conversions(tmp_path / "3", mixed, mixed.replace(" int gone;", ""), {"union struct a.w": "address"})
    check(tmp_path, forwarded, "from.w.s = PLACE(8); CHECK(!CONVERT(a) && to.w.s == (char *)8 + MOVED);")


def test_t18_bit_fields_of_all_sorts(tmp_path: Path) -> None:
    old = "struct a { unsigned u : 3, w : 6; int s : 4, n : 6; _Bool b : 1; int plain; unsigned long l : 40; } a;"
    new = "struct a { unsigned char w : 3; int s : 6, n : 3; unsigned u : 5, plain : 9; int b; long l : 41; } a;"
    converted = conversions(tmp_path, old, new)
    assert converted.asked == {}
    check(
        tmp_path,
        converted,
        "from.u = 7; from.w = 5; from.s = -8; from.n = -4; from.b = 1; from.plain = 511; from.l = 0xffffffffff;"
        "CHECK(!CONVERT(a) && to.u == 7 && to.w == 5 && to.s == -8 && to.n == -4 && to.b == 1 && to.plain == 511);"
        "CHECK(to.l == 0xffffffffff);"
        'from.w = 8; CHECK_REFUSED(a, "struct a.w: the value does not fit unsigned char : 3"); from.w = 0;'
        "from.n = 4; CHECK(CONVERT(a)); from.n = -5; CHECK(CONVERT(a)); from.n = 0;"
        "from.plain = -1; CHECK(CONVERT(a));",
    )


def test_t23_code_keeps_its_address(tmp_path: Path) -> None:
    old = "struct a { int (*one)(struct a *, int); void (*table[2])(int); int n; } a;"
    new = "struct a { void (*table[2])(int); int (*one)(struct a *, int); } a;"
    converted = conversions(tmp_path, old, new)
    assert converted.asked == {}
    check(
        tmp_path,
        converted,
        "from.one = PLACE(8); from.table[1] = PLACE(9); CHECK(!CONVERT(a)); "
        "CHECK((uintptr_t)to.one == 8 && (uintptr_t)to.table[1] == 9 && !to.table[0]);",
    )


def test_t25_qualifiers_do_not_matter(tmp_path: Path) -> None:
    old = "struct a { const int c; volatile long v; _Atomic int a; _Atomic(short) s; char *p; } a;"
    new = "struct a { int c; long v; int a; _Atomic int s; const char *const p; } a;"
    converted = conversions(tmp_path, old, new)
    assert converted.asked == {}
    check(
        tmp_path,
        converted,
        "from.c = 1; from.v = 2; from.a = 3; from.s = -4; CHECK(!CONVERT(a));"
        "CHECK(to.c == 1 && to.v == 2 && to.a == 3 && to.s == -4);",
    )


def test_t27_what_is_the_systems_is_kept_where_it_is(tmp_path: Path) -> None:
    old = "#include <pthread.h>\n#include <time.h>\nstruct a { int gone; pthread_mutex_t lock; struct timespec at; } a;"
    converted = conversions(tmp_path, old, old.replace("int gone; ", ""))
    assert converted.asked == {}
    made = converted.conversions.done["struct a"]
    assert len(made.pinned) == 1
    assert made.pinned[0].startswith("struct a.lock (pthread_mutex_t")
    check(
        tmp_path, converted, "memset(&from.at, 5, sizeof from.at); CHECK(!CONVERT(a) && !memcmp(&to.at, &from.at, 16));"
    )


def test_records_inside_records_have_conversions_of_their_own(tmp_path: Path) -> None:
    old = "struct l { struct l *next; }; struct i { short n; struct l l; }; struct a { struct i i[2]; struct l l; } a;"
    new = "struct l { struct l *next; }; struct i { struct l l; int n; }; struct a { struct l l; struct i i[2]; } a;"
    converted = conversions(tmp_path, old, new)
    assert converted.asked == {}
    made = converted.conversions.done["struct a"]
    assert made.runs == [(0, 16, 2), (8, 8, 8), (16, 32, 2), (24, 24, 8), (32, 0, 8)]
    check(
        tmp_path,
        converted,
        "from.i[1].n = -2; from.i[1].l.next = PLACE(8); CHECK(!CONVERT(a) && to.i[1].n == -2);"
        "CHECK((char *)to.i[1].l.next == (char *)8 + MOVED);",
    )


def test_types_of_few_compilers_are_kept_as_bytes(tmp_path: Path) -> None:
    types = "#include <complex.h>\ntypedef float v4 __attribute__((vector_size(16)));\n"
    old = f"{types} struct a {{ v4 v; v4 w[2]; _Decimal64 d; double complex z; __int128 i; int gone; }} a;"
    converted = conversions(tmp_path, old, old.replace(" int gone;", ""))
    assert converted.asked == {}
    check(
        tmp_path,
        converted,
        "memset(&from, 7, sizeof from); CHECK(!CONVERT(a)); CHECK(!memcmp(&to.v, &from.v, 16) && to.i == from.i);"
        "CHECK(!memcmp(&to.w, &from.w, 32) && !memcmp(&to.d, &from.d, 8) && !memcmp(&to.z, &from.z, 16));",
    )


def test_a_renamed_type_is_converted_by_its_new_name(tmp_path: Path) -> None:
    old = "struct old_name { int one, two, three, four; short five; }; struct a { struct old_name n; } a;"
    new = "struct new_name { int one, two, three, four; long five; }; struct a { struct new_name n; } a;"
    converted = conversions(tmp_path, old, new)
    check(tmp_path, converted, "from.n.five = 5; CHECK(!CONVERT(a) && to.n.five == 5);")


def test_a_programmer_has_what_is_left(tmp_path: Path) -> None:
    old, new = "struct a { int n; int v[4]; } a;", "struct a { int n; int *v; long sum; } a;"
    converted = conversions(tmp_path, old, new, {"code struct a": "transform.c"})
    assert set(converted.asked) == {"code struct a"}
    written = (
        "int pk_transform_a(struct pk_migration *migration, const struct old_a *old, struct new_a *new) {"
        " if (pk_convert_rest_a(migration, old, new)) return 1; new->sum = old->v[0] + old->v[1]; return 0; }"
    )
    check(tmp_path, converted, "from.n = 2; from.v[1] = 5; CHECK(!CONVERT(a) && to.n == 2 && to.sum == 5);", written)


def test_a_value_may_be_computed_where_a_type_changed(tmp_path: Path) -> None:
    old, new = "struct a { double seconds; } a;", "struct a { long seconds; } a;"
    converted = conversions(tmp_path, old, new, {"initial struct a.seconds": "(long)(old->seconds * 1000)"})
    check(tmp_path, converted, "from.seconds = 1.5; CHECK(!CONVERT(a) && to.seconds == 1500);")


def test_one_that_is_aligned_to_a_cache_line_may_stand_aside(tmp_path: Path) -> None:
    old = "struct a { long v[16]; int gone; } __attribute__((aligned(64))); struct a a;"
    converted = conversions(tmp_path, old, old.replace("int gone;", ""))
    check(
        tmp_path,
        converted,
        "char *place = calloc(1, 1024); struct old_a *o = (void *)(place + 8); struct new_a *n = (void *)(place + 520);"
        "memset(o, 3, sizeof *o); CHECK(!pk_convert_a(&migration, o, n)); CHECK(*(char *)n == 3); free(place);"
        "(void)to;",
    )
