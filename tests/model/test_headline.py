"""The first line of every report."""

from dataclasses import replace

import pytest

from patchkit.model.change import Edit, Requires, Subject, Verdict
from patchkit.model.headline import Status, headline, questions, status, tally
from patchkit.model.program import Facet
from tests.support.changes import bodies, change, compare, function_added, side
from tests.support.comparisons import GAPS, blocked, incomplete, patch_release, unchanged


def ask(verdict: Verdict, key: str, **more: object) -> object:
    return change(Subject.TYPE, "T01 PKT101", verdict, key, "changed", **more)


def test_updatable_counts_what_is_asked() -> None:
    assert headline(patch_release()) == "UPDATABLE: 42 auto, 1 check on live data, 4 questions"
    assert status(patch_release()) is Status.UPDATABLE


def test_a_transformer_is_counted_apart_from_questions() -> None:
    edit = Edit("T12", "PKT107", Verdict.CODE, "text", "", question="Who owns it?")
    one = change(Subject.TYPE, "T12 PKT107", Verdict.CODE, "struct line", "x", edits=(edit,))
    assert headline(compare([one, *bodies(14)])) == "UPDATABLE: 14 auto, 1 question, 1 transformer to write"


def test_nothing_to_notice_is_said_in_words() -> None:
    assert headline(compare([function_added("f", "a.c", 1)])) == "UPDATABLE: 1 change that the process does not notice"


def test_blocked_names_what_blocks_even_where_not_all_was_read() -> None:
    line = headline(blocked())
    assert line.startswith("BLOCKED by struct shm_header (external-layout) and union value (union-changed); ")
    assert "otherwise 4 auto, 1 transformer to write" in line
    assert line.endswith("INCOMPLETE: 2 places could not be read, the first src/module.c:312")
    assert status(blocked()) is Status.BLOCKED


def test_many_that_block_are_not_all_named() -> None:
    many = [change(Subject.TYPE, "T17 PKT110", Verdict.BLOCKED, f"union u{n}", "x") for n in range(7)]
    assert headline(compare(many)).startswith("BLOCKED by union u0 (union-changed), union u1")
    assert headline(compare(many)).endswith("and 4 more")


def test_incomplete_is_never_a_pass() -> None:
    line = headline(incomplete())
    assert line == ("INCOMPLETE: 2 places could not be read, the first src/module.c:312; in what was read 3 auto")
    assert status(incomplete()) is Status.INCOMPLETE
    assert headline(compare([], gaps=GAPS)).endswith("in what was read nothing differs")


def test_no_change_says_what_was_not_seen() -> None:
    assert headline(unchanged()) == "NO CHANGE: redis-7.0.15 and redis-7.0.15 are the same program"
    blind = replace(unchanged(), new=side("redis-7.0.15", unseen=(Facet.BODIES,)))
    assert headline(blind).startswith("NO CHANGE in what can be seen (unseen: function bodies): ")
    assert status(blind) is Status.UNCHANGED


def test_what_needs_a_restart_unless_it_is_resolved_is_said_first() -> None:
    loop = change(Subject.FUNCTION, "F06 PKC401", Verdict.CODE, "main", "runs for ever", requires=Requires.RESTART)
    line = headline(compare([loop, *bodies(2)]))
    assert line == "UPDATABLE once main (never-returns) is resolved, else a restart: 2 auto, 1 transformer to write"


def test_folded_changes_count_as_often_as_they_stand_for() -> None:
    (one,) = bodies(1)
    folded = replace(one, folded=tuple(f"f{n}" for n in range(1115)))
    assert headline(compare([folded])) == "UPDATABLE: 1,115 auto"


@pytest.mark.parametrize(
    ("own", "inner", "expected"),
    [
        ("Free it?", (), ("Free it?",)),
        ("Free it?", ("Free it?", "Zero it?", "Zero it?"), ("Free it?", "Zero it?")),
        ("", (), ("Is this right: struct a: changed?",)),
    ],
)
def test_each_question_is_asked_once(own: str, inner: tuple[str, ...], expected: tuple[str, ...]) -> None:
    edits = tuple(Edit("T01", "PKT101", Verdict.CONFIRM, "m", "", question=text) for text in inner)
    one = change(Subject.TYPE, "T01 PKT101", Verdict.CONFIRM, "struct a", "changed", edits=edits, question=own)
    assert questions(one) == expected
    assert tally([one]).questions == len(expected)
