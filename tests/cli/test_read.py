"""`patchkit read` and `patchkit explain`."""

from pathlib import Path

import pytest

from tests.support import patchkit


def test_read_saves_a_model_and_says_what_is_in_it(built: Path, tmp_path: Path) -> None:
    done = patchkit("read", str(built / "old"), "--program", "server", "-o", "old.json", cwd=tmp_path)
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("read 2 units, 1 struct or union, 2 variables, 2 functions into old.json")
    again = patchkit("read", "old.json", "-o", "again.json", cwd=tmp_path)
    assert again.code == 0


def test_a_model_that_is_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text('{"format": "something else"}', encoding="utf-8")
    done = patchkit("read", "broken.json", "-o", "x.json", cwd=tmp_path)
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert "broken.json" in done.err


@pytest.mark.parametrize("name", ["PKT101", "field-added", "T01"])
def test_explain_takes_ids_and_names(name: str, tmp_path: Path) -> None:
    done = patchkit("explain", name, cwd=tmp_path)
    assert done.code == 0, done.err
    assert name in done.out


def test_explain_of_what_does_not_exist_is_an_error_with_a_suggestion(tmp_path: Path) -> None:
    done = patchkit("explain", "field-aded", cwd=tmp_path)
    assert done.code == 2
    assert "field-added" in done.err
