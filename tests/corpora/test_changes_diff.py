"""The comparison of every pair says what the pair was written to show, and nothing else.

The outcome of all pairs stands in one file, so that a change of any rule shows everything that it moves. Set
UPDATE_GOLDEN=1 to write it anew.
"""

import os
from pathlib import Path

import pytest

from patchkit.diff import diff_programs
from patchkit.model.change import Comparison
from patchkit.read.record import recording_from_directory
from patchkit.read.source import read_pair
from tests.support import ROOT, needs
from tests.support.pairs import NAMES, SIDES, ChangePair, differences, load, reported

GOLDEN = ROOT / "tests/golden/changes.txt"

pytestmark = needs("gcc")


def compare(pair: ChangePair, folder: Path) -> Comparison:
    """Read both sides of `pair` and compare them."""
    sources = {side: pair.stage(side, folder) for side in SIDES}
    recordings = [
        recording_from_directory(
            sources[side],
            jobs=1,
            environ={**os.environ, "CC": " ".join(("gcc", *pair.flags(side)))},
            cache=Path(os.environ["PATCHKIT_CACHE"]),
        )
        for side in SIDES
    ]
    old, new = read_pair(recordings[0], recordings[1], labels=SIDES, jobs=1)
    return diff_programs(old, new)


@pytest.fixture(scope="module")
def comparisons() -> dict[str, Comparison]:
    """What was compared already: each pair is read once for all tests."""
    return {}


def _comparison(name: str, known: dict[str, Comparison], folder: Path) -> Comparison:
    if name not in known:
        known[name] = compare(load(name), folder / name)
    return known[name]


@pytest.mark.parametrize("name", NAMES)
def test_says_what_is_expected(name: str, comparisons: dict[str, Comparison], tmp_path: Path) -> None:
    comparison = _comparison(name, comparisons, tmp_path)
    assert differences(load(name).rows(), reported(comparison)) == []


@pytest.mark.parametrize("name", NAMES)
def test_is_read_whole_and_says_why(name: str, comparisons: dict[str, Comparison], tmp_path: Path) -> None:
    comparison = _comparison(name, comparisons, tmp_path)
    assert comparison.complete
    for change in comparison.changes:
        assert change.title
        assert change.text
        assert change.old_coord or change.new_coord or change.count > 1 or change.subject == "build", change.title
        assert change.question or change.verdict.name != "CONFIRM", f"{change.title} asks nothing"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_differs_from_itself(name: str, tmp_path: Path) -> None:
    pair = load(name)
    environ = {**os.environ, "CC": " ".join(("gcc", *pair.flags("new")))}
    recording = recording_from_directory(
        pair.stage("new", tmp_path), jobs=1, environ=environ, cache=Path(os.environ["PATCHKIT_CACHE"])
    )
    old, new = read_pair(recording, recording, labels=SIDES, jobs=1)
    assert diff_programs(old, new).changes == ()


def test_outcome_of_all_pairs_is_the_golden_one(comparisons: dict[str, Comparison], tmp_path: Path) -> None:
    lines = []
    for name in NAMES:
        lines.append(name)
        for row in reported(_comparison(name, comparisons, tmp_path)):
            lines.append(f"    {row}")
            lines += [f"        {edit}" for edit in row.edits if len(row.edits) > 1]
    text = "\n".join(lines) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8"), "set UPDATE_GOLDEN=1 to take the new outcome"
