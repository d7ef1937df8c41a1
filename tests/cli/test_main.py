"""How the command starts, fails and ends, whatever it was asked to do."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from patchkit import __version__
from tests.support import PATCHKIT, patchkit, wait_until, write_tree


def test_version(tmp_path: Path) -> None:
    assert patchkit("--version", cwd=tmp_path).out == f"patchkit {__version__}\n"


def test_help_names_every_command(tmp_path: Path) -> None:
    listed = patchkit("--help", cwd=tmp_path).out
    for name in ("diff", "record", "cc", "read", "explain"):
        assert f"\n  {name} " in listed


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["dif"], "error: no command `dif`; did you mean `diff`?", "hint: see `patchkit --help`"),
        (["diff", "a"], "error: Missing argument 'NEW'.", "hint: see `patchkit diff --help`"),
        (
            ["diff", "--format", "xml", "a", "b"],
            "error: Invalid value for '--format'",
            "hint: see `patchkit diff --help`",
        ),
        (["record"], "error: Missing argument", "hint: see `patchkit record --help`"),
        (["cc"], "error: `patchkit cc` needs the compiler's arguments", 'hint: use it as `make CC="patchkit cc"`'),
    ],
)
def test_wrong_use_is_an_error_with_a_hint(arguments: list[str], error: str, hint: str, tmp_path: Path) -> None:
    done = patchkit(*arguments, cwd=tmp_path)
    first, second = done.err.splitlines()
    assert (done.code, done.out) == (2, "")
    assert first.startswith(error)
    assert second == hint


def test_no_command_shows_help_as_an_error(tmp_path: Path) -> None:
    done = patchkit(cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "Commands:" in done.err


def test_an_internal_error_is_one_line_that_names_the_file_with_its_traceback(tmp_path: Path) -> None:
    """A library that breaks when it is imported stands for a bug."""
    broken = write_tree(tmp_path / "broken", {"subprocess.py": "raise KeyError('lost')\n"})
    environ = {"PYTHONPATH": str(broken), "PATCHKIT_CACHE": str(tmp_path / "cache")}
    done = patchkit("read", "x", "-o", "y", cwd=tmp_path, environ=environ)
    (kept,) = (tmp_path / "cache/failures").iterdir()
    assert done.code == 70
    assert done.err == f"internal error: KeyError: 'lost' (please report it with {kept})\n"
    text = kept.read_text(encoding="utf-8")
    assert text.startswith("patchkit read x -o y\n")
    assert "Traceback" in text


def test_an_internal_error_is_reported_where_the_cache_cannot_be_written(tmp_path: Path) -> None:
    broken = write_tree(tmp_path / "broken", {"subprocess.py": "raise KeyError('lost')\n"})
    environ = {"PYTHONPATH": str(broken), "PATCHKIT_CACHE": "/dev/null/cache"}
    done = patchkit("read", "x", "-o", "y", cwd=tmp_path, environ=environ)
    assert done.code == 70
    assert "its traceback could not be kept" in done.err
    assert "Traceback" not in done.err


def test_a_reader_that_stops_is_not_an_error(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*PATCHKIT, "--help"], cwd=tmp_path, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_full_disk_is_an_error(tmp_path: Path) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([*PATCHKIT, "--help"], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: the output cannot be written")


def test_an_interrupt_ends_with_130_and_no_traceback(tmp_path: Path) -> None:
    build = ["sh", "-c", "touch started; exec sleep 600"]
    process = subprocess.Popen(
        [*PATCHKIT, "record", "--", *build],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    wait_until((tmp_path / "started").exists)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to everyone in the foreground
    said, _ = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, b"")
