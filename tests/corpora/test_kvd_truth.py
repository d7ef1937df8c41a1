"""What comparing two kvd versions says is what was written down by hand of them: nothing is missed, nothing made up."""

import os
import tomllib
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from patchkit.diff import diff_programs
from patchkit.model.change import Subject
from patchkit.read.record import recording_from_directory
from patchkit.read.source import read_pair
from tests.support import needs
from tests.support.kvd import FOLDER, VERSIONS
from tests.support.pairs import Row, reported

PAIRS = list(pairwise(VERSIONS))

HAZARDS = {"T24", "T26", "T27", "T29"}  # what makes a change hard to carry out: no difference of its own

pytestmark = needs("gcc")


def truth(old: str, new: str) -> Mapping[str, Any]:
    """Return what was written down about two versions."""
    loaded: Mapping[str, Any] = tomllib.loads((FOLDER / f"truth/{old}--{new}.toml").read_text(encoding="utf-8"))
    return loaded


@cache
def rows(old: str, new: str) -> tuple[Row, ...]:
    """Return what the comparison of two versions says."""
    recordings = [
        recording_from_directory(
            FOLDER / version, jobs=2, environ=dict(os.environ), cache=Path(os.environ["PATCHKIT_CACHE"])
        )
        for version in (old, new)
    ]
    programs = read_pair(recordings[0], recordings[1], labels=(old, new), jobs=1)
    return tuple(reported(diff_programs(*programs)))


def keys(old: str, new: str, subject: Subject, *kinds: str) -> set[str]:
    """Return the keys, of both versions, that are reported with one of `kinds`, or at all."""
    found = [row for row in rows(old, new) if row.subject == subject and (not kinds or row.kind in kinds)]
    return {key for row in found for key in row.key.split(" → ")}


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_types(old: str, new: str) -> None:
    known = truth(old, new)["types"]
    changed = {entry["key"]: entry for entry in known["changed"]}
    assert keys(old, new, Subject.TYPE, "T30") == set(known["added"])
    assert keys(old, new, Subject.TYPE, "T28") == set(known["removed"])
    assert keys(old, new, Subject.TYPE) == {*changed, *known["added"], *known["removed"]}
    for row in rows(old, new):
        if row.key in changed and row.subject == Subject.TYPE:
            members = {member["name"] for member in changed[row.key]["members"]}
            edits = [edit.split(" ") for edit in row.edits]
            named = {edit[-1] for edit in edits if edit[0] not in HAZARDS | {"T03"}}
            assert named == members, row


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_variables(old: str, new: str) -> None:
    known = truth(old, new)["variables"]
    changed = {key for entry in known["changed"] for key in (entry["key"], entry.get("new_key", entry["key"]))}
    found = keys(old, new, Subject.VARIABLE)
    assert found - set(known["holds_changed_type"]) == {*changed, *known["added"], *known["removed"]} - set(
        known["holds_changed_type"]
    )


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_functions(old: str, new: str) -> None:
    known = truth(old, new)["functions"]
    renamed = [{entry["old"], entry["new"]} for entry in known["renamed"]]
    signatures = {entry["key"] for entry in known["signature"]}
    certain = {*known["added"], *known["removed"], *known["moved"], *known["body"], *signatures}
    found = keys(old, new, Subject.FUNCTION)
    assert found - set.union(certain, *renamed) == set()
    assert certain - found == set()
    assert [names for names in renamed if not names & found] == []  # one that was renamed may be told by either name
    signed = {row.key for row in rows(old, new) if any(edit.startswith("F04") for edit in row.edits)}
    assert signed == signatures
    assert set(known["added"]) <= keys(old, new, Subject.FUNCTION, "F02")
    assert set(known["removed"]) <= keys(old, new, Subject.FUNCTION, "F03")


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_macros(old: str, new: str) -> None:
    known = truth(old, new)["macros"]
    changed = {entry["key"] for entry in known["changed"]}
    assert keys(old, new, Subject.MACRO) == {*changed, *known["added"], *known["removed"]}
    assert keys(old, new, Subject.BUILD) == set()
