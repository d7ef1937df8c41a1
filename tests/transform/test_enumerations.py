"""Enumerations that are renumbered: what holds their constants is converted by name."""

from pathlib import Path

from tests.support import needs
from tests.support.converting import check, conversions

pytestmark = needs("gcc", "clang")

NONE = "the version to come has no constant of enum c for the value"


def test_t20_t21_constants_are_renumbered_by_name(tmp_path: Path) -> None:
    old = "enum c { RED, GREEN, BLUE, OLD, LAST = OLD }; struct a { enum c c; enum c all[2]; enum c bits : 3; } a;"
    new = "enum c { GREEN, WHITE, RED, BLUE }; struct a { enum c c; enum c all[2]; enum c bits : 3; } a;"
    assert conversions(tmp_path / "1", old, new).asked == {}
    converted = conversions(tmp_path / "2", old, new, {"constant enum c.OLD": "WHITE"})
    check(
        tmp_path,
        converted,
        "from.c = old_RED; from.all[1] = old_BLUE; from.bits = old_OLD; from.all[0] = old_GREEN; CHECK(!CONVERT(a));"
        "CHECK(to.c == new_RED && to.all[1] == new_BLUE && to.all[0] == new_GREEN && to.bits == new_WHITE);"
        "memset(&from.c, 9, sizeof from.c);"
        f'CHECK_REFUSED(a, "struct a.c: {NONE}"); CHECK(refused_value == 0x09090909);',
    )


def test_t21_a_constant_with_an_heir_is_asked_about(tmp_path: Path) -> None:
    old = "enum c { RED, CRIMSON, BLUE }; struct a { enum c c; int n; } a;"
    new = "enum c { BLUE, SCARLET, RED }; struct a { enum c c; int n; } a;"
    assert conversions(tmp_path, old, new).asked == {"constant enum c.CRIMSON": "SCARLET"}


def test_t20_numbers_that_hold_constants_are_renumbered_where_that_is_decided(tmp_path: Path) -> None:
    old = "enum c { RED, GREEN, BLUE }; struct b { short in; };"
    old += "struct a { int c; unsigned d : 4; long n; struct b b; } a;"
    new = old.replace("RED, GREEN", "RED, WHITE, GREEN")
    answers = {f"carries struct {name}": "enum c" for name in ("a.c", "a.d", "b.in")}
    converted = conversions(tmp_path, old, new, answers)
    assert converted.asked == {}
    check(
        tmp_path,
        converted,
        "from.c = old_GREEN; from.d = old_BLUE; from.n = old_BLUE; from.b.in = old_RED; CHECK(!CONVERT(a));"
        "CHECK(to.c == new_GREEN && to.d == new_BLUE && to.n == old_BLUE && to.b.in == new_RED);"
        f'from.d = 9; CHECK_REFUSED(a, "struct a.d: {NONE}");',
    )


def test_t20_flags_are_moved_bit_by_bit(tmp_path: Path) -> None:
    old = "enum f { NONE, A = 1, B = 2, C = 4, AC = A | C }; struct a { enum f f; } a;"
    new = "enum f { NONE, A = 8, B = 2, C = 1, AC = A | C }; struct a { enum f f; } a;"
    converted = conversions(tmp_path, old, new)
    check(
        tmp_path,
        converted,
        "from.f = old_A | old_B; CHECK(!CONVERT(a) && (int)to.f == (new_A | new_B)); from.f = old_AC;"
        "CHECK(!CONVERT(a) && to.f == new_AC); from.f = 0; CHECK(!CONVERT(a) && !to.f);"
        "memset(&from.f, 8, 1); CHECK(CONVERT(a));",
    )
