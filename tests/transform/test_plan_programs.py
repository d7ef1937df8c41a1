"""Plans of our own servers: how little is asked where the code answers, and that nothing is where nothing lives on."""

from pathlib import Path

import pytest

from patchkit.model.decision import Author, State
from tests.support import ROOT, needs
from tests.support.planning import item_of, plan_sources

PROGRAMS = ROOT / "corpora/programs"

pytestmark = needs("gcc")


def sources(program: str, old: str, new: str) -> dict[str, Path]:
    return {"old": PROGRAMS / program / old, "new": PROGRAMS / program / new}


def test_of_fourteen_questions_about_kvd_three_are_left() -> None:
    plan = plan_sources(sources("kvd", "v1", "v2")).plan
    assert {item.key for item in plan.open} == {
        "initial struct server.slow_ms",  # set through a table of options
        "table config.c:options",  # a bit-field of its rows is written
        "variable dict.c:random_next:state",  # other functions use it now
    }
    assert plan.unaided == plan.changed
    for item in plan.items:
        if item.state is State.DECIDED:
            assert item.decision is not None
            assert (item.decision.author, bool(item.decision.reason)) == (Author.PATCHKIT, True)


def test_another_container_of_kvd_is_for_a_programmer_and_a_renumbered_type_is_not() -> None:
    plan = plan_sources(sources("kvd", "v2", "v3")).plan
    by_hand = {item.subject for item in plan.items if item.state is State.WRITE}
    assert by_hand == {"struct list"}
    carries = item_of(plan, "carries struct object.type")
    assert carries.decision is not None
    assert carries.decision.value == "enum object_type"
    # What apply_save() sets may have been set at the start, although no start-up function does so.
    assert item_of(plan, "initial struct server.save_point_count").state is State.ASKED


@pytest.mark.parametrize(("old", "new"), [("v1", "v2"), ("v2", "v3"), ("v3", "v4")])
def test_releases_of_cached_that_change_no_state_ask_nothing(old: str, new: str) -> None:
    assert not plan_sources(sources("cached", old, new)).plan.open
