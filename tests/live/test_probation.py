"""Crashes while an update is on probation: on record, fatal as ever, and a reason not to take that version again."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import needs, patchkit, wait_until
from tests.support.attaching import cache
from tests.support.small import Running, apply, bundle, record_program, running

pytestmark = needs("cc", "make")

SOURCE = r"""
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;

__attribute__((noinline)) const char *version(void) { return "%s"; }
__attribute__((noinline)) static void obey(const char *word) {
#ifdef CRASHES
    if (strcmp(word, "fault") == 0)
        *(volatile int *)16 = 1;
    if (strcmp(word, "abort") == 0)
        abort();
#endif
    dprintf(1, "%%s %%s\n", version(), word);
}
static void on_fault(int number) { (void)number; siglongjmp(back, 1); }

int main(int count, char **arguments) {
    char line[80];
    if (count > 1 && strcmp(arguments[1], "handles") == 0)
        signal(SIGSEGV, on_fault);
    dprintf(1, "ready\n");
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        if (sigsetjmp(back, 1))
            dprintf(1, "handled\n");
        else if (strcmp(line, "child") == 0) {
            int status, child = fork();
            if (child == 0) {
                obey("fault");
                _exit(0);
            }
            waitpid(child, &status, 0);
            dprintf(1, "child %%d\n", WTERMSIG(status));
        } else
            obey(line);
    }
    return 0;
}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Three versions, of which the second crashes when it is told to, and bundles from the first to the others."""
    folder = tmp_path_factory.mktemp("probation")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHKIT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        for version in ("one", "two", "three"):
            first = "#define CRASHES\n" if version == "two" else ""
            record_program(folder / version, {"main.c": first + SOURCE % version})
        for version in ("two", "three"):
            done = bundle(folder / "one", folder / version, folder / f"{version}.pkb")
            assert done.code == 0, done.err
        yield folder


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the control sockets of this test's processes lie, and what is left by them."""
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("PATCHKIT_RUN_DIR", str(folder))
    return folder


def marks(directory: Path) -> list[str]:
    """What was left there about versions that crashed."""
    return [path.read_text() for path in directory.glob("bad-*")]


def caught(pid: int) -> set[int]:
    """The signals of crashes that the process catches."""
    line = Path(f"/proc/{pid}/status").read_text().partition("\nSigCgt:")[2].split()[0]
    crashes = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)
    return {number for number in crashes if int(line, 16) >> (number - 1) & 1}


def update(program: Running, path: Path, *options: str) -> None:
    """Bring a program that is ready to the bundle's version."""
    program.wait_for("ready")
    done = apply(program.pid, path, *options)
    assert done.code == 0, done.err


def end(program: Running) -> int:
    """Wait for the end of the program and return its exit code."""
    return program.process.wait(60)


@pytest.mark.parametrize(("word", "number"), [("fault", signal.SIGSEGV), ("abort", signal.SIGABRT)])
def test_a_crash_of_new_code_is_fatal_on_record_and_a_reason_not_to_go_on(
    made: Path, directory: Path, word: str, number: signal.Signals
) -> None:
    with running(made / "one/server", cache()) as program:
        update(program, made / "two.pkb", "--probation", "60")
        program.send(f"{word}\n")
        assert end(program) == -number
        log = patchkit("log", str(program.pid), cwd=made).out
    assert f"process {program.pid} crashed of {number.name} in " in log
    assert len(marks(directory)) == 1
    with running(made / "one/server", cache()) as program:
        program.wait_for("ready")
        done = apply(program.pid, made / "two.pkb")
        assert (done.code, "PKL116" in done.err, number.name in done.err) == (1, True, True), done
        assert patchkit("rehearse", str(program.pid), str(made / "two.pkb"), cwd=made).code == 0
        program.send("still\n")
        program.wait_for("one still")
        next(directory.glob("bad-*")).unlink()
        assert apply(program.pid, made / "two.pkb").code == 0
    with running(made / "one/server", cache()) as program:
        update(program, made / "three.pkb")


def test_a_handler_of_the_program_is_alone(made: Path, directory: Path) -> None:
    with running(made / "one/server", cache(), "handles") as program:
        update(program, made / "two.pkb", "--probation", "60")
        program.send("fault\n")
        program.wait_for("handled")
        program.send("goes on\n")
        program.wait_for("two goes on")
    assert marks(directory) == []


def test_nothing_is_caught_before_and_after_probation(made: Path, directory: Path) -> None:
    with running(made / "one/server", cache()) as program:
        program.wait_for("ready")
        assert caught(program.pid) == set()
        for end_it in ("confirm", "revert", "wait"):
            seconds = "0.3" if end_it == "wait" else "60"
            done = apply(program.pid, made / "two.pkb", "--probation", seconds)
            assert done.code == 0, done.err
            if end_it == "wait":
                wait_until(lambda: caught(program.pid) == set())
                continue
            assert len(caught(program.pid)) == 5
            assert patchkit(end_it, str(program.pid), cwd=made).code == 0
            assert caught(program.pid) == set()
            if end_it == "confirm":
                assert patchkit("revert", str(program.pid), cwd=made).code == 0
        program.send("fault\n")
        assert end(program) == -signal.SIGSEGV
    assert marks(directory) == []


def test_a_signal_from_elsewhere_says_nothing_about_the_version(made: Path, directory: Path) -> None:
    with running(made / "one/server", cache()) as program:
        update(program, made / "two.pkb", "--probation", "60")
        os.kill(program.pid, signal.SIGSEGV)
        assert end(program) == -signal.SIGSEGV
    assert marks(directory) == []


def test_a_child_that_crashes_counts(made: Path, directory: Path) -> None:
    with running(made / "one/server", cache()) as program:
        update(program, made / "two.pkb", "--probation", "60")
        program.send("child\n")
        program.wait_for(f"child {signal.SIGSEGV.value}")
        assert program.alive()
    assert len(marks(directory)) == 1
