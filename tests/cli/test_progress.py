"""The status line: on a terminal only, and gone when the work is done."""

import io
import os
import pty

import pytest

from patchkit.cli.progress import StatusLine


def drawn(*, patience: float) -> str:
    """Return what a terminal gets to see of some work."""
    master, slave = pty.openpty()
    with open(slave, "w", encoding="utf-8") as terminal:
        with StatusLine(terminal, patience=patience) as status:
            status("reading", 1, 90)
            status.say("flags are guessed")
            status("comparing", 0, 0)
        print("end", file=terminal, flush=True)
        seen = b""
        while not seen.endswith(b"end\r\n"):
            seen += os.read(master, 4096)
    os.close(master)
    return seen.decode()


def test_work_is_shown_and_wiped_and_narration_stays() -> None:
    seen = drawn(patience=0)
    assert "reading 1/90" in seen
    assert "comparing" in seen
    assert "flags are guessed\r\n" in seen
    assert seen.rindex("\x1b[2K") > seen.rindex("comparing")
    assert seen.count("\x1b[?25h") == seen.count("\x1b[?25l") == 2


def test_short_work_draws_nothing() -> None:
    assert drawn(patience=3600) == "flags are guessed\r\nend\r\n"


def test_a_dumb_terminal_gets_narration_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert drawn(patience=0) == "flags are guessed\r\nend\r\n"


def test_a_file_gets_narration_alone() -> None:
    log = io.StringIO()
    with StatusLine(log, patience=0) as status:
        status("reading", 1, 90)
        status.say("flags are guessed")
    assert log.getvalue() == "flags are guessed\n"
