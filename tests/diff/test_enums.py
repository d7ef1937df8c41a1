"""Enumerations: what a number in a live object means to the new code."""

from patchkit.model.change import Verdict
from tests.support.diffs import compare, said, summary, the
from tests.support.programs import Thing, enum, function, macro, struct, variable

HOLDER: list[Thing] = [struct("door", "enum state state"), variable("struct door *doors")]


def test_an_appended_constant_changes_nothing_that_lives() -> None:
    change = the(compare([enum("state", "OPEN"), *HOLDER], [enum("state", "OPEN", "SHUT"), *HOLDER]), "enum state")
    assert (change.kind, change.verdict) == ("T19", Verdict.NONE)
    assert said(change) == ["T19 none SHUT"]


def test_an_inserted_constant_renumbers_those_behind_it() -> None:
    old, new = enum("state", "OPEN", "SHUT"), enum("state", "OPEN", "AJAR", "SHUT")
    change = the(compare([old, *HOLDER], [new, *HOLDER]), "enum state")
    assert said(change) == ["T20 auto+check SHUT", "T19 none AJAR"]
    assert (change.edits[0].was, change.edits[0].now) == ("SHUT = 1", "SHUT = 2")
    assert change.edits[0].text == "SHUT goes from 1 to 2; a stored 1 means AJAR now"
    assert [reach.path for reach in change.reach] == ["doors->state"]


def test_numbers_that_ints_carry_are_asked_about() -> None:
    shuts = function("void shut(void)", mentions=["SHUT"])
    holder = [struct("door", "int state"), variable("struct door *doors"), shuts]
    change = the(
        compare([enum("state", "OPEN", "SHUT"), *holder], [enum("state", "OPEN", "AJAR", "SHUT"), *holder]),
        "enum state",
    )
    assert change.verdict is Verdict.CONFIRM
    assert change.text == "every int that holds a constant of enum state has to be renumbered"


def test_a_number_that_no_code_names_and_no_variable_holds_is_not_asked_about() -> None:
    old, new = enum("state", "OPEN", "SHUT"), enum("state", "OPEN", "AJAR", "SHUT")
    change = the(compare([old], [new]), "enum state")
    assert said(change) == ["T20 auto SHUT", "T19 none AJAR"]
    assert change.edits[0].text == "SHUT goes from 1 to 2; no code names it"


def test_a_sentinel_at_the_end_is_not_renumbered_but_follows() -> None:
    old, new = enum("state", "OPEN", "SHUT", "state_max"), enum("state", "OPEN", "SHUT", "AJAR", "state_max")
    change = the(compare([old, *HOLDER], [new, *HOLDER]), "enum state")
    assert said(change) == ["T19 auto state_max", "T19 none AJAR"]


def test_a_last_constant_that_is_no_sentinel_is_renumbered() -> None:
    old, new = enum("level", "LOW", "HIGH"), enum("level", "LOW", "MEDIUM", "HIGH")
    user = function("void raise(void)", mentions=["HIGH"])
    assert "T20 confirm HIGH" in said(the(compare([old, user], [new, user]), "enum level"))


def test_a_removed_constant_is_looked_for_in_live_data() -> None:
    change = the(compare([enum("state", "OPEN", "SHUT"), *HOLDER], [enum("state", "OPEN"), *HOLDER]), "enum state")
    assert said(change) == ["T21 auto+check SHUT"]


def test_a_constant_that_took_the_number_of_another_is_proposed_as_its_new_name() -> None:
    change = the(
        compare([enum("state", "OPEN", "SHUT"), *HOLDER], [enum("state", "OPEN", "CLOSED"), *HOLDER]), "enum state"
    )
    assert change.question == "Does CLOSED mean what SHUT meant?"
    assert change.rule == "PKT106"


def test_a_constant_that_moved_to_another_enumeration_is_no_change() -> None:
    old = [enum("state", "OPEN", "SHUT", "LIMIT = 40"), *HOLDER]
    new = [enum("state", "OPEN", "SHUT"), enum("limits", "LIMIT = 40"), *HOLDER]
    assert summary(compare(old, new)) == [("T30", "none", "enum limits")]


def test_a_macro_that_became_a_constant_is_no_removal() -> None:
    assert summary(compare([macro("LIMIT", 40)], [enum("", "LIMIT = 40")])) == [("T30", "none", "enum {LIMIT}")]


def test_unnamed_enumerations_are_matched_by_their_constants_not_by_their_place() -> None:
    old = [enum("", "RED", "GREEN"), enum("", "UP", "DOWN")]
    new = [enum("", "NONE", "UP", "DOWN"), enum("", "RED", "GREEN")]
    comparison = compare(old, new)
    (change,) = comparison.changes
    assert (change.old_key, change.new_key) == ("enum {UP}", "enum {NONE}")
    assert said(change) == ["T20 auto UP", "T20 auto DOWN", "T19 none NONE"]


def test_an_enumeration_that_got_a_tag_is_no_change() -> None:
    assert compare([enum("", "RED", "GREEN")], [enum("colour", "RED", "GREEN")]).changes == ()


def test_constants_in_another_order_are_no_change() -> None:
    assert compare([enum("e", "A = 1", "B = 2")], [enum("e", "B = 2", "A = 1")]).changes == ()


def test_another_width_is_tested_on_live_data() -> None:
    old, new = [enum("state", "OPEN"), *HOLDER], [enum("state", "OPEN", size=1), *HOLDER]
    comparison = compare(old, new)
    assert said(the(comparison, "enum state")) == ["T06 auto+check"]
    assert said(the(comparison, "struct door")) == ["T06 auto+check state"]


def test_a_removed_enumeration_asks_only_where_something_may_hold_its_numbers() -> None:
    user = function("void f(void)", mentions=["OPEN"])
    assert the(compare([enum("state", "OPEN"), user], [user]), "enum state").verdict is Verdict.CONFIRM
    assert the(compare([enum("state", "OPEN")], []), "enum state").verdict is Verdict.AUTO
