"""`patchkit path`: the updates that lead from one version to another."""

from pathlib import Path

import pytest

from tests.support import patchkit

UPDATES = (("1.0", "1.1"), ("1.1", "1.2"), ("1.2", "2.0"), ("1.0", "1.2"), ("2.0", "1.0"), ("0.8", "0.9"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with updates below updates/."""
    for old, new in UPDATES:
        place = tmp_path / "updates" / f"{old}--{new}"
        place.mkdir(parents=True)
        sides = "".join(
            f'[{side}]\nversion = "{name}"\nfingerprint = "00"\n' for side, name in (("old", old), ("new", new))
        )
        (place / "update.toml").write_text(f"format = 1\n{sides}")
    return tmp_path


def test_the_shortest_chain_is_shown(folder: Path) -> None:
    done = patchkit("path", "1.0", "2.0", cwd=folder)
    assert done.code == 0, done.err
    assert done.out.splitlines() == ["1.0 -> 1.2  updates/1.0--1.2", "1.2 -> 2.0  updates/1.2--2.0"]


def test_a_version_that_cannot_be_reached_is_told_with_what_can(folder: Path) -> None:
    for words, text in (
        (("1.0", "0.9"), "from 1.0 they lead to 1.1, 1.2, 2.0"),
        (("3.0", "1.0"), "updates begin at 0.8, 1.0, 1.1, 1.2, 2.0"),
        (("1.1", "1.1"), "no chain of updates leads from 1.1 to 1.1"),
    ):
        done = patchkit("path", *words, cwd=folder)
        assert (done.code, text in done.err) == (2, True), done


def test_without_updates_it_says_how_to_make_one(tmp_path: Path) -> None:
    done = patchkit("path", "1", "2", cwd=tmp_path)
    assert (done.code, "patchkit new OLD NEW" in done.err) == (2, True), done


def test_a_file_that_is_none_is_named_with_its_line(folder: Path) -> None:
    (folder / "updates/1.0--1.1/update.toml").write_text("format = 1\nold = 3\n")
    done = patchkit("path", "1.0", "2.0", cwd=folder)
    assert (done.code, "update.toml" in done.err) == (2, True), done
