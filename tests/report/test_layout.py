"""Lining up two layouts: nothing is lost, nothing is shown twice, every byte is a member's or a hole's."""

from hypothesis import given, strategies as st

from patchkit.model.change import Edit, LayoutPair, PlacedMember, Subject, Verdict
from patchkit.model.program import Member
from patchkit.report.layout import Fold, Mark, Row, abreast, align, fold, renames
from tests.support.changes import change
from tests.support.layouts import CHAR, INT, LONG, SHORT, UINT, Field, Laid, lay, pair

TYPES = st.sampled_from([CHAR, SHORT, INT, LONG])
FIELDS = st.builds(Field, st.sampled_from("abcdefghij"), TYPES) | st.builds(
    lambda name, width: Field(name, UINT, width=width), st.sampled_from("klmn"), st.integers(1, 12)
)
RECORDS = st.lists(FIELDS, min_size=1, max_size=12, unique_by=lambda field: field.name).map(lambda fields: lay(*fields))


@given(RECORDS, RECORDS)
def test_each_side_is_complete_and_in_order(old: Laid, new: Laid) -> None:
    rows = align(pair(old, new))
    for laid, cells in ((old, [row.old for row in rows if row.old]), (new, [row.new for row in rows if row.new])):
        assert [cell.offset for cell in cells if not cell.hole] == [member.offset for member in laid.members]
        ends = [0, *(cell.offset + cell.size for cell in cells)]
        assert [cell.offset for cell in cells] == ends[:-1]
        assert ends[-1] == laid.size * 8


@given(RECORDS, RECORDS)
def test_a_member_of_both_sides_is_paired_or_said_to_have_changed_places(old: Laid, new: Laid) -> None:
    both = {member.name for member in old.members} & {member.name for member in new.members}
    rows = align(pair(old, new))
    paired = sum(row.old is not None and row.new is not None and not row.hole for row in rows)
    reordered = sum(row.mark is Mark.REORDERED for row in rows)
    assert 2 * paired + reordered == 2 * len(both)
    for row in rows:
        cell = row.old or row.new
        assert cell is not None
        assert (row.mark is Mark.REORDERED) == (cell.elsewhere is not None)


@given(RECORDS, RECORDS, st.integers(0, 3))
def test_folding_hides_quiet_members_only(old: Laid, new: Laid, context: int) -> None:
    rows = align(pair(old, new))
    folded = fold(rows, context)
    flat = [row for entry in folded for row in (entry.rows if isinstance(entry, Fold) else (entry,))]
    assert tuple(flat) == rows
    assert all(row.quiet for entry in folded if isinstance(entry, Fold) for row in entry.rows)


@given(RECORDS, RECORDS)
def test_two_columns_show_each_side_once(old: Laid, new: Laid) -> None:
    rows = align(pair(old, new))
    lines = [line for line in abreast(rows) if not isinstance(line, Fold)]
    assert [left.old for left, _ in lines if left and left.old] == [row.old for row in rows if row.old]
    assert [right.new for _, right in lines if right and right.new] == [row.new for row in rows if row.new]


def test_equal_layouts_have_nothing_to_say() -> None:
    laid = lay(Field("a", CHAR), Field("b", LONG), Field("c", INT))
    (only,) = fold(align(pair(laid, laid)), 1)
    assert isinstance(only, Fold)
    assert str(only) == "3 members unmoved"


def test_a_fold_says_how_far_its_members_moved() -> None:
    old = lay(Field("a", INT), Field("b", INT), Field("c", INT))
    new = lay(Field("new", LONG), Field("a", INT), Field("b", INT), Field("c", INT))
    *_, last = fold(align(pair(old, new)), 0)
    assert "3 members moved by +8 bytes" in str([str(entry) for entry in fold(align(pair(old, new)), 0)])
    assert isinstance(last, Row)  # the hole that the new layout ends with


def test_a_renamed_member_stays_on_one_row() -> None:
    old, new = lay(Field("port", INT)), lay(Field("tcp_port", INT))
    edit = Edit("T04", "PKT106", Verdict.CONFIRM, "port", "", old=old["port"], new=new["tcp_port"])
    named = renames(change(Subject.TYPE, "T04 PKT106", Verdict.CONFIRM, "struct node", "", edits=(edit,)))
    (row,) = align(pair(old, new), named)
    assert row.old is not None
    assert row.new is not None
    assert row.mark is Mark.CHANGED
    assert [r.mark for r in align(pair(old, new))] == [Mark.REMOVED, Mark.ADDED]


def test_unnamed_members_and_unions_are_lined_up_too() -> None:
    side = (
        PlacedMember("", "int  : 5", 0, 5),
        PlacedMember("", "int  : 5", 5, 5),
        PlacedMember("u.a", "long int u.a", 64, 64),
        PlacedMember("u.b", "int u.b", 64, 32),
    )
    rows = align(LayoutPair(16, 16, side, side))
    assert sum(not row.hole for row in rows) == len(side)
    assert all(row.mark is Mark.SAME for row in rows)


def test_a_question_about_an_unchanged_member_makes_it_loud() -> None:
    member = Member("value", INT, 0, 32)
    laid = Laid((member,), 4)
    (row,) = align(pair(laid, laid, {"value": "T24"}))
    assert row.mark is Mark.CHANGED
    assert row.kind == "T24"
