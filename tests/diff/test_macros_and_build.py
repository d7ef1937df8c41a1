"""Constants that data depends on, how the versions were built, and what the system gave them."""

from dataclasses import replace

import pytest

from patchkit.diff import diff_programs, headline
from patchkit.model.change import Comparison, Requires, Verdict
from patchkit.model.program import Coord, Facet, Gap, Unit
from tests.support.diffs import compare, said, summary, the
from tests.support.programs import Thing, function, macro, program, struct, typedef, variable


def test_a_macro_that_sizes_memory_while_no_type_changes_is_asked_about() -> None:
    change = the(compare([macro("QUEUE_SIZE", 16)], [macro("QUEUE_SIZE", 32)]), "QUEUE_SIZE")
    assert (change.kind, change.rule, change.verdict) == ("V01", "PKF313", Verdict.CONFIRM)
    assert change.question == "Does no live allocation or array have its size from QUEUE_SIZE?"


def test_a_flag_that_got_another_bit_is_asked_about() -> None:
    old = [macro("FILE_READ", 1, "(1<<0)"), macro("FILE_WRITE", 2, "(1<<1)")]
    new = [macro("FILE_READ", 1, "(1<<0)"), macro("FILE_EXEC", 2, "(1<<1)"), macro("FILE_WRITE", 4, "(1<<2)")]
    change = the(compare(old, new), "FILE_WRITE")
    assert (change.kind, change.verdict) == ("V02", Verdict.CONFIRM)


def test_one_of_a_list_of_numbers_is_asked_about() -> None:
    old = [macro("ROLE_NOBODY", 0), macro("ROLE_USER", 1), macro("ROLE_ADMIN", 2)]
    new = [macro("ROLE_NOBODY", 0), macro("ROLE_USER", 1), macro("ROLE_ADMIN", 3)]
    assert the(compare(old, new), "ROLE_ADMIN").kind == "V02"


def test_a_unit_is_asked_about() -> None:
    change = the(compare([macro("TICKS_PER_SECOND", 10)], [macro("TICKS_PER_SECOND", 1000)]), "TICKS_PER_SECOND")
    assert (change.kind, change.verdict) == ("V03", Verdict.CONFIRM)


def test_other_constants_are_one_line() -> None:
    old = [macro("VERSION", '"1.0"'), macro("ROUNDS", 16), macro("GONE", 1)]
    new = [macro("VERSION", '"1.1"'), macro("ROUNDS", 32), macro("FRESH", 1)]
    assert summary(compare(old, new)) == [
        ("V00", "auto", "ROUNDS"),
        ("V00", "auto", "VERSION"),
        ("V00", "none", "FRESH"),
        ("V00", "none", "GONE"),
    ]


def test_another_spelling_of_the_same_value_is_no_change() -> None:
    assert compare([macro("A", 4, "(2+2)")], [macro("A", 4)]).changes == ()


def test_what_the_compiler_and_the_system_define_is_not_the_programs() -> None:
    old = [macro("__GNUC__", 11, file="<built-in>"), macro("EPERM", 1, file="/usr/include/errno.h")]
    new = [macro("__GNUC__", 12, file="<built-in>"), macro("EPERM", 2, file="/usr/include/errno.h")]
    assert compare(old, new).changes == ()


def test_other_flags_are_told_once_with_the_units() -> None:
    old = program(units=[Unit("a.c", ("-O2",), "gcc"), Unit("b.c", ("-O2",), "gcc")])
    new = program(units=[Unit("a.c", ("-O2", "-fshort-enums"), "gcc"), Unit("b.c", ("-O2", "-fshort-enums"), "gcc")])
    (change,) = diff_programs(old, new).changes
    assert (change.kind, change.rule, change.verdict) == ("B01", "PKB802", Verdict.AUTO_CHECK)
    assert change.title == "flags: with -fshort-enums"
    assert change.evidence == ("2 units: a.c and b.c",)


def test_another_machine_blocks() -> None:
    comparison = diff_programs(program(machine="x86-64"), program(machine="AArch64"))
    assert (comparison.verdict, comparison.requires) == (Verdict.BLOCKED, Requires.RESTART)
    assert headline(comparison).startswith("BLOCKED by machine: x86-64 → AArch64")


def test_a_changed_library_blocks_and_is_not_taken_for_the_program() -> None:
    header = "/usr/include/zlib.h"
    old, new = [struct("z", "int a", file=header)], [struct("z", "int a", "int b", file=header)]
    (change,) = compare(old, new).changes
    assert (change.kind, change.rule, change.verdict) == ("B02", "PKI504", Verdict.BLOCKED)
    assert change.folded == ("struct z",)


def test_a_system_type_that_follows_a_flag_does_not_block() -> None:
    def side(width: str, *flags: str) -> list[Thing]:
        return [
            typedef("off_t", width, file="/usr/include/sys/types.h"),
            struct("log", "off_t end"),
            variable("struct log *logs"),
        ]

    old = program(*side("int"), units=[Unit("a.c", (), "gcc")])
    new = program(*side("long"), units=[Unit("a.c", ("-D_FILE_OFFSET_BITS=64",), "gcc")])
    comparison = diff_programs(old, new)
    assert comparison.verdict is Verdict.AUTO_CHECK
    assert said(the(comparison, "struct log")) == ["T07 auto+check end"]


def test_a_layout_that_only_flags_explain_says_so() -> None:
    old = program(struct("pair", "char a", "int b"), variable("struct pair *pairs"))
    tight = struct("pair", "char a", "int b", attributes=("packed",))
    new = program(tight, variable("struct pair *pairs"))
    new.records["struct pair"]  # the attribute is dropped below: only the layout is left

    bare = replace(new.records["struct pair"], attributes=(), fingerprint="")
    comparison = diff_programs(old, replace(new, records={"struct pair": bare}))
    change = the(comparison, "struct pair")
    assert (change.kind, change.rule, change.verdict) == ("B01", "PKT116", Verdict.AUTO_CHECK)


def _incomplete() -> Comparison:
    gap = Gap(Coord("b.c", 7), "a syntax error", "see the compiler's message")
    return diff_programs(program(label="1.0"), program(label="1.1", gaps=[gap]))


def test_what_was_not_read_is_a_finding() -> None:
    comparison = _incomplete()
    (change,) = comparison.changes
    assert (change.rule, change.verdict, change.new_coord) == ("PKR901", Verdict.CONFIRM, Coord("b.c", 7))
    assert change.level == "error"
    assert headline(comparison).startswith("INCOMPLETE: 1 place could not be read, the first b.c:7")


def test_what_is_gone_is_doubted_where_a_part_was_not_read() -> None:
    gap = Gap(Coord("b.c"), "not preprocessed")
    comparison = diff_programs(program(function("void f(void)"), variable("int n")), program(gaps=[gap]))
    assert the(comparison, "f").verdict is Verdict.CONFIRM
    assert the(comparison, "n").verdict is Verdict.CONFIRM


@pytest.mark.parametrize(
    ("facet", "old", "new", "word"),
    [
        (Facet.BODIES, function("void f(void)"), function("void f(void)", body=""), "bodies"),
        (Facet.MACROS, macro("A", 1), macro("B", 1), "macros"),
        (Facet.INITIALISERS, variable("int a", init="1"), variable("int a"), "initial values"),
    ],
)
def test_what_a_reader_cannot_see_is_a_note_and_no_change(facet: Facet, old: Thing, new: Thing, word: str) -> None:
    comparison = diff_programs(program(old), program(new, unseen=[facet]))
    assert comparison.changes == ()
    assert any(word in note and "not compared" in note for note in comparison.notes)


def test_types_that_nothing_uses_are_not_missed_where_they_cannot_be_seen() -> None:
    comparison = diff_programs(program(struct("unused", "int a")), program(unseen=[Facet.UNUSED_TYPES]))
    assert comparison.changes == ()


def test_what_code_does_with_a_type_is_doubted_where_bodies_were_not_read() -> None:
    unseen = [Facet.BODIES, Facet.REFERENCES]
    old = program(struct("job", "int a"), unseen=unseen)
    new = program(struct("job", "int a", "int b"), unseen=unseen)
    change = the(diff_programs(old, new), "struct job")
    assert change.verdict is Verdict.CONFIRM
    assert "T24 confirm" in said(change)
