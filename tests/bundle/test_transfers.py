"""Which waiting calls a bundle lets go on in the new code, and which not."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from patchkit.bundle.archive import read_bundle
from patchkit.bundle.keys import Identity, Sort
from patchkit.bundle.payload import Origin, Payload, Transfer, read_payload
from tests.support.small import bundle, record_program

COMPILERS = ["gcc -O0", "gcc -O1", "gcc -O2", "gcc -O3", "gcc -Os", "clang -O0", "clang -O2"]

LOOP = """
#include <stdio.h>
#include <unistd.h>

int served;

__attribute__((noinline)) int HANDLE(int number) {
    served += number;
    return printf("%d\\n", served) BODY;
}

static __attribute__((noinline)) void turn(void) {
    char letter;
    if (read(0, &letter, 1) == 1)
        HANDLE(letter);
}

int main(void) {
    for (;;)
        turn();
}
"""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a bundle's payload."""

    payload: Payload

    def of(self, name: str, origin: Origin = Origin.EXECUTABLE, unit: str = "server.c") -> list[Transfer]:
        """The rows of a function and the parts that were split off it."""
        keys = {Identity(Sort.FUNCTION, name, each).key for each in ("", unit)}
        return [row for row in self.payload.transfers if row.key in keys and row.origin & origin]

    def strays(self) -> set[str]:
        """What must not be held by a frame that is moved."""
        return {self.payload.olds[index].name for index in self.payload.strays}


def rows(folder: Path, old: str, new: str, compiler: str = "gcc -O2") -> Rows:
    """Return what the bundle from one text of a program to another holds; as a check, each row leads behind a call."""
    cc, _, flags = compiler.partition(" ")
    if shutil.which(cc) is None:
        pytest.skip(f"needs {cc}")
    sides = []
    for name, text in (("old", old), ("new", new)):
        place = folder / name
        link = "-no-pie" if "-fno-pie" in flags else ""
        sides.append(record_program(place, {"server.c": text}, flags=f"{flags} -g", link=link, make=(f"CC={cc}",)))
    output = folder / "update.pkb"
    done = bundle(sides[0], sides[1], output)
    assert done.code == 0, done.err
    payload = read_payload(read_bundle(output)[1]["payload"])
    for row in payload.transfers:
        for code in (row.code, row.code + row.last - row.first):
            before = payload.image[code - 7 : code]
            assert before[2] == 0xE8 or b"\xff" in before, (row, before)
    return Rows(payload)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_callers_of_what_was_renamed_are_moved(compiler: str, tmp_path: Path) -> None:
    old = LOOP.replace("HANDLE", "handle").replace("BODY", "")
    new = LOOP.replace("HANDLE", "serve").replace("BODY", "+ 1")
    found = rows(tmp_path, old, new, compiler)
    for origin in (Origin.EXECUTABLE, Origin.IMAGE):
        assert found.of("main", origin)
        (turn,) = found.of("turn", origin)
        # While `handle` itself runs, another function's result is awaited; the call of read comes before it.
        assert turn.first == turn.last


def test_a_function_that_was_renamed_and_is_the_same_counts_as_the_same(tmp_path: Path) -> None:
    old, new = (LOOP.replace("HANDLE", name).replace("BODY", "") for name in ("handle", "serve"))
    (turn,) = rows(tmp_path, old, new).of("turn")
    assert turn.first < turn.last


@pytest.mark.parametrize(
    ("was", "now"),
    [
        pytest.param("n += letter * 3", "n += letter * 5", id="immediate"),
        pytest.param("char text[24]", "char text[124]", id="stack layout"),
        pytest.param("n += letter", "n ^= letter", id="operation"),
        pytest.param("n > 40", "n >= 40 && n != 77", id="jump"),
        pytest.param("step(n, 1)", "step(n, n)", id="register"),
        pytest.param("letter = 'a'", "letter = 'b'", id="constant"),
        pytest.param("scale = 1.5", "scale = 2.5", id="floating constant"),
    ],
)
@pytest.mark.parametrize("compiler", ["gcc -O0", "gcc -O2", "clang -O2"])
def test_other_code_is_not_moved(was: str, now: str, compiler: str, tmp_path: Path) -> None:
    text = """
        #include <stdio.h>
        #include <unistd.h>
        __attribute__((noinline)) int step(int a, int b) { return printf("%d", a + b); }
        __attribute__((noinline)) double scaled(double a, double b) { return printf("%f", a * b); }
        __attribute__((noinline)) int turn(int n) {
            char text[24], letter = 'a';
            double scale = 1.5;
            long got = read(0, text, sizeof text);
            n += letter * 3;
            if (n > 40)
                n += step(n, 1);
            n += letter;
            return (int)(n + got + (int)scaled(n, scale) + text[3]);
        }
        int main(void) { int n = 0; for (;;) n = turn(n); }
    """
    assert was in text
    found = rows(tmp_path, text, text.replace(was, now), compiler)
    assert not found.of("turn")
    assert found.of("main")


def test_a_register_more_that_is_saved_keeps_a_frame_where_it_is(tmp_path: Path) -> None:
    text = """
        #include <unistd.h>
        __attribute__((noinline)) long turn(long a, long b) { long got = read(0, &a, 1); return got + USED; }
        int main(int count, char **words) { for (;;) count = (int)turn(count, words[0][0]); }
    """
    found = rows(tmp_path, text.replace("USED", "a"), text.replace("USED", "b"))
    assert not found.of("turn")


def test_members_at_another_place_are_no_difference_where_the_source_is_the_same(tmp_path: Path) -> None:
    text = """
        #include <stdio.h>
        #include <stdlib.h>
        #include <unistd.h>
        struct other { int MORE x; };
        __attribute__((noinline)) int handle(int n) { struct other *o = calloc(1, 64); return o->x + n; }
        int main(void) { char letter; for (;;) if (read(0, &letter, 1) == 1) printf("%d", handle(letter)); }
    """
    new = text.replace("return o->x", "return 1 + o->x")
    found = rows(tmp_path, text.replace("MORE", ""), new.replace("MORE", ""))
    assert found.of("main")


SWITCH = """
    #include <stdio.h>
    #include <unistd.h>
    void NAME(void) { puts("x"); }
    int main(void) {
        for (;;) {
            char letter = 0;
            long got = read(0, &letter, 1);
            switch (letter) {
            case 'a': puts("a"); break;
            case 'b': getpid(); break;
            case 'c': puts("cc"); break;
            case 'd': usleep(1); break;
            case 'e': NAME(); break;
            case 'f': puts("ff"); break;
            case 'g': return (int)got;
            case 'h': puts("h"); break;
            }
        }
    }
"""


def test_a_hoisted_table_of_jumps_would_lead_back_into_the_old_code(tmp_path: Path) -> None:
    """gcc keeps the table's address in a saved register for the whole loop, and clang too at -O2."""
    old, new = SWITCH.replace("NAME", "one"), SWITCH.replace("NAME", "other")
    hoisted = rows(tmp_path / "2", old, new, "gcc -O2")
    assert not hoisted.of("main")
    loaded = rows(tmp_path / "0", old, new, "gcc -O0")
    assert loaded.of("main")


@pytest.mark.parametrize("compiler", ["gcc -O2", "gcc -O2 -fno-pie"])
def test_a_literal_that_changed_and_is_kept_in_a_register_is_found(compiler: str, tmp_path: Path) -> None:
    text = """
        #include <stdio.h>
        #include <unistd.h>
        static void show(const char *text) { write(1, text, 3); }
        __attribute__((noinline)) const char *pick(int n) { return n > 1 ? "aaa" : "WORD"; }
        __attribute__((noinline)) void turn(int n) {
            const char *text = n > 1 ? "one" : "WORD";
            sleep(1);
            show(text);
            show(text);
        }
        __attribute__((noinline)) void other(void) { show("WORD"); sleep(1); }
        int main(int count, char **words) { (void)words; for (;;) turn(count), other(), show(pick(count)); }
    """
    old, new = text.replace("WORD", "two"), text.replace("WORD", "tow")
    found = rows(tmp_path, old, new, compiler)
    assert not found.of("turn")
    assert found.of("other")
    assert found.of("main")


def test_parts_that_were_split_off_go_with_their_function(tmp_path: Path) -> None:
    text = """
        #include <stdio.h>
        #include <stdlib.h>
        #include <unistd.h>
        __attribute__((cold, noinline)) void complain(int n) { printf("%d\\n", n); }
        __attribute__((noinline)) void NAME(int n) { printf("%d\\n", n); }
        __attribute__((noinline)) int turn(int n) {
            char letter;
            if (read(0, &letter, 1) != 1) {
                complain(n);
                complain(n + 1);
                if (n > 100)
                    abort();
            }
            NAME(n);
            return letter;
        }
        int main(void) { int n = 0; for (;;) n += turn(n); }
    """
    found = rows(tmp_path, text.replace("NAME", "one"), text.replace("NAME", "two"))
    names = {row.name for row in found.of("turn")}
    assert names == {"turn", "turn.cold"}


def test_what_is_inlined_is_compared_where_it_is(tmp_path: Path) -> None:
    text = """
        #include <stdio.h>
        #include <unistd.h>
        static inline int twice(int n) { return n FACTOR; }
        __attribute__((noinline)) int show(int n) { return printf("%d\\n", n); }
        __attribute__((noinline)) int turn(int n) { sleep(1); return show(twice(n)); }
        __attribute__((noinline)) int rest(int n) { sleep(1); return show(n) + 1; }
        int main(void) { int n = 0; for (;;) n = turn(n) + rest(n); }
    """
    found = rows(tmp_path, text.replace("FACTOR", "* 2"), text.replace("FACTOR", "* 7"))
    assert not found.of("turn")
    assert found.of("rest")


def test_a_function_that_returns_twice_stays_where_it_is(tmp_path: Path) -> None:
    text = """
        #include <setjmp.h>
        #include <unistd.h>
        jmp_buf place;
        void NAME(void) { longjmp(place, 1); }
        int main(void) { for (;;) if (!setjmp(place)) { sleep(1); NAME(); } }
    """
    assert not rows(tmp_path, text.replace("NAME", "one"), text.replace("NAME", "two")).of("main")


def test_labels_whose_address_is_taken_keep_a_function_where_it_is(tmp_path: Path) -> None:
    text = """
        #include <unistd.h>
        void NAME(void) { sleep(2); }
        int main(int count, char **words) {
            static void *const places[] = {&&one, &&two};
            (void)words;
        one:
            sleep(1);
            goto *places[count & 1];
        two:
            NAME();
            goto *places[count & 1];
        }
    """
    assert not rows(tmp_path, text.replace("NAME", "one"), text.replace("NAME", "two")).of("main")


def test_a_table_that_is_replaced_must_not_be_held_by_a_frame(tmp_path: Path) -> None:
    text = """
        #include <stdio.h>
        #include <unistd.h>
        static const int table[] = {NUMBERS};
        __attribute__((noinline)) void NAME(const int *row) { printf("%d\\n", *row); }
        int main(void) {
            for (;;)
                for (unsigned i = 0; i < 3; i++) {
                    sleep(1);
                    NAME(&table[i]);
                }
        }
    """
    old = text.replace("NUMBERS", "1, 2, 3, 4").replace("NAME", "one")
    found = rows(tmp_path, old, old.replace("1, 2, 3, 4", "1, 2, 3, 5").replace("one(", "two("))
    assert found.strays() == {"server.c:table"}


def test_a_function_without_frame_information_stays_where_it_is(tmp_path: Path) -> None:
    old = LOOP.replace("HANDLE", "handle").replace("BODY", "")
    new = LOOP.replace("HANDLE", "serve").replace("BODY", "")
    found = rows(tmp_path, old, new, "gcc -O2 -fno-asynchronous-unwind-tables")
    assert not found.payload.transfers


def test_a_program_whose_old_sources_are_gone_is_moved_from_its_executable(tmp_path: Path) -> None:
    """Then nobody can tell what an update to the old version would have brought."""
    sides = [
        record_program(tmp_path / name, {"server.c": LOOP.replace("HANDLE", name).replace("BODY", "")})
        for name in ("one", "two")
    ]
    (sides[0] / "server.c").write_text("int main(void) { return 1; }\n")
    done = bundle(sides[0], sides[1], tmp_path / "update.pkb")
    assert done.code == 0, done.err
    payload = read_payload(read_bundle(tmp_path / "update.pkb")[1]["payload"])
    assert {row.origin for row in payload.transfers} == {Origin.EXECUTABLE}
    assert payload.from_code == 0 != payload.to_code
