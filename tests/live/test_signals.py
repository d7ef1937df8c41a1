"""Programs that live by signals are updated too, and receive each of theirs and none of the runtime's."""

import os
import resource
import signal
import sys
from collections.abc import Iterator

import pytest

from tests.support import wait_until
from tests.support.hazards import Versions, ask, limited, make_versions, shared_cache, source_of, updated
from tests.support.small import Running


@pytest.fixture(scope="module")
def signals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Versions]:
    """Two versions of a program that uses signals in several ways."""
    with shared_cache(tmp_path_factory):
        yield make_versions(tmp_path_factory.mktemp("signals"), source_of("signals.c"))


def counts(server: Running, version: str) -> dict[int, int]:
    """Return how often the program got each signal; it must be at `version`."""
    seen = len(server.lines())
    server.send("say\n")
    wait_until(lambda: version in server.lines()[seen:] or not server.alive(), seconds=20)
    assert server.alive()
    words = [line.split() for line in server.lines()[seen:] if line.startswith("count ")]
    return {int(number): int(count) for _, number, count in words}


@pytest.mark.parametrize("mode", ["in-handler", "on-own-stack"])
def test_a_thread_that_blocks_in_a_signal_handler_goes_on_there(mode: str, signals: Versions) -> None:
    with signals.running(mode) as server:
        server.wait_for("in the handler")
        updated(server, signals.bundles[0])
        server.send("go\n")
        server.wait_for("handled by v2")
        assert counts(server, "v2") == {signal.SIGUSR1: 1}


def test_a_program_that_gets_thousands_of_its_own_signals_gets_them_all_along(signals: Versions) -> None:
    with signals.running("handlers") as server:
        server.wait_for("ready")
        before = counts(server, "v1")
        updated(server, signals.bundles[0])
        after = counts(server, "v2")
        assert set(after) == {signal.SIGUSR1, signal.SIGUSR2}
        wait_until(lambda: all(now > after[number] for number, now in counts(server, "v2").items()))
        assert all(after[number] >= before.get(number, 0) for number in after)


def test_a_program_that_handles_its_own_faults_goes_on_doing_so(signals: Versions) -> None:
    with signals.running("faults") as server:
        wait_until(lambda: counts(server, "v1").get(signal.SIGSEGV, 0) > 10)
        updated(server, signals.bundles[0])
        after = counts(server, "v2")
        wait_until(lambda: counts(server, "v2")[signal.SIGSEGV] > after[signal.SIGSEGV] + 10)


# A careless parent: what is ignored stays so in a new program. Source: signal(7), the kernel's struct sigaction.
IGNORE_ALL = """
import ctypes, os, signal, sys
ignored = (ctypes.c_ulong * 4)(1, 0, 0, 0)
for number in set(range(1, 65)) - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
    ctypes.CDLL(None).syscall(13, number, ignored, None, 8)
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.parametrize("mode", ["handlers", "blocked", "sigwait"])
def test_a_program_that_inherited_ignored_signals_is_updated(mode: str, signals: Versions) -> None:
    with signals.running(mode, through=[sys.executable, "-c", IGNORE_ALL]) as server:
        server.wait_for("ready")
        updated(server, signals.bundles[0])
        assert all(number < signal.SIGRTMIN for number in counts(server, "v2"))


def test_a_program_that_no_signal_can_be_queued_for_is_called_unreachable(signals: Versions) -> None:
    with signals.running("blocked") as server:
        server.wait_for("ready")
        with limited(server.pid, resource.RLIMIT_SIGPENDING, 0):
            done = ask("status", server.pid)
            assert "PKL003" in done.err, done
            assert "Traceback" not in done.err
        updated(server, signals.bundles[0])


@pytest.mark.parametrize("mode", ["blocked", "sigwait", "signalfd"])
def test_a_program_that_blocks_all_signals_in_all_threads_is_updated(mode: str, signals: Versions) -> None:
    with signals.running(mode) as server:
        server.wait_for("ready")
        updated(server, signals.bundles[0])
        assert counts(server, "v2") == {}, "the program saw a signal that the runtime was sent"
        if mode != "blocked":
            os.kill(server.pid, signal.SIGUSR1)
            wait_until(lambda: counts(server, "v2") == {signal.SIGUSR1: 1})
