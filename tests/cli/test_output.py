"""Where results go."""

import os
import stat
from pathlib import Path

import pytest

from patchkit.cli.output import wants_colour, write_result
from patchkit.errors import InputError


def test_a_new_file_has_the_usual_mode_and_ends_with_a_line_end(tmp_path: Path) -> None:
    write_result("report", tmp_path / "report.txt")
    plain = tmp_path / "plain"
    plain.touch()
    assert (tmp_path / "report.txt").read_text(encoding="utf-8") == "report\n"
    assert (tmp_path / "report.txt").stat().st_mode == plain.stat().st_mode


def test_an_existing_file_is_replaced_through_links_and_keeps_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "report.txt"
    target.write_text("old", encoding="utf-8")
    target.chmod(0o640)
    (tmp_path / "link").symlink_to(target)
    write_result("new\n", tmp_path / "link")
    assert target.read_text(encoding="utf-8") == "new\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "report.txt"]


def test_a_device_is_written_to_and_stays_a_device() -> None:
    write_result("gone", Path(os.devnull))
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_file_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent/report.txt cannot be written: No such file or directory"):
        write_result("report", tmp_path / "absent/report.txt")


@pytest.mark.parametrize(("choice", "expected"), [("always", True), ("never", False), ("auto", False)])
def test_colour_as_chosen_and_none_where_output_is_no_terminal(choice: str, expected: bool) -> None:
    assert wants_colour(choice, {}) is expected
