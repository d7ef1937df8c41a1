"""Whose variable a name of the update's C means."""

from patchkit.model.program import Origin, Program
from patchkit.transform.migration import Side, programs_of


def test_what_a_variable_held_at_the_start_is_the_old_versions_and_what_is_brought_the_new_ones() -> None:
    old, new = (Program(label, Origin.RECORDING, "/", "x86-64", ()) for label in ("old", "new"))
    assert {side: program.label for side, program in programs_of(old, new).items()} == {
        Side.OLD: "old",
        Side.INITIAL: "old",
        Side.NEW: "new",
        Side.BROUGHT: "new",
    }
