"""The pairs of `corpora/changes` are real programs: they compile without a warning, run, and say what they are for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from patchkit.model.change import Subject
from patchkit.model.kinds import KINDS
from patchkit.model.rules import RULES
from patchkit.model.words import VERDICTS
from tests.support import needs
from tests.support.pairs import FOLDER, NAMES, SIDES, load

FIELDS = {"kind", "subject", "entity", "new_entity", "entities", "verdict", "rule", "edits", "why"}
TOP = (FIELDS - {"entities"}) | {
    "unseen",
    "flags_old",
    "flags_new",
    "session",
    "dump_old",
    "dump_new",
    "also",
    "decisions",
}
WITHOUT_PAIR = {"T00", "R901"}  # the safety net, and what could not be read
BOTH = [(name, side) for name in NAMES for side in SIDES]


@needs("gcc")
@pytest.mark.parametrize(("name", "side"), BOTH)
def test_compiles_and_runs(name: str, side: str, tmp_path: Path) -> None:
    pair = load(name)
    built = pair.build(side, tmp_path)
    assert (built.code, built.err) == (0, "")
    played = pair.play(side, tmp_path)
    assert (played.code, played.err) == (0, "")
    assert played.out.splitlines() == [*pair.expected[f"dump_{side}"], "."]


@needs("clang")
@pytest.mark.parametrize(("name", "side"), BOTH)
def test_other_compiler_warns_of_nothing(name: str, side: str, tmp_path: Path) -> None:
    checked = load(name).check(side, tmp_path)
    assert (checked.code, checked.err) == (0, "")


@pytest.mark.parametrize("name", NAMES)
def test_expectation_is_well_formed(name: str) -> None:
    expected = load(name).expected
    assert set(expected) <= TOP
    assert {"kind", "subject", "entity", "verdict", "rule", "why", "session", "dump_old", "dump_new"} <= set(expected)
    assert expected["why"].endswith(".")
    assert expected["session"]
    assert expected["dump_old"]
    _check_entry(expected)
    for entry in expected.get("also", ()):
        assert set(entry) <= FIELDS
        assert ("entity" in entry) is not ("entities" in entry)
        _check_entry(entry)


def _check_entry(entry: Mapping[str, Any]) -> None:
    words = set(VERDICTS.values())
    assert entry["kind"] in KINDS
    assert entry["subject"] in set(Subject)
    assert entry["verdict"] in words
    assert entry["rule"] in RULES.keys() | {""}
    for edit in entry.get("edits", ()):
        kind, verdict, *rest = edit.split(" ")
        assert kind in KINDS
        assert verdict in words
        assert not rest or rest[0] in RULES


@pytest.mark.parametrize("name", NAMES)
def test_pair_has_two_sides_and_nothing_else(name: str) -> None:
    folder = FOLDER / name
    entries = {path.name for path in folder.iterdir()} - {"expect.toml", "transform.c"}
    libraries = {entry for entry in entries if entry.startswith("library-")}
    assert entries - libraries in ({"old.c", "new.c"}, {"old", "new"})
    flags = " ".join(flag for side in SIDES for flag in load(name).flags(side))
    assert all(str(folder / library) in flags for library in libraries)
    if "new.c" in entries and (folder / "old.c").read_text() == (folder / "new.c").read_text():
        assert load(name).flags("old") != load(name).flags("new")


def test_every_kind_has_its_pair() -> None:
    shown = {name.split("-")[0] for name in NAMES} - {"trap"}
    shown |= {row.kind for name in NAMES for row in load(name).rows()}
    assert shown == KINDS.keys() - WITHOUT_PAIR
