"""Threads that compute, allocate, come and go while an update comes."""

import re
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from patchkit.live.process import find_process
from patchkit.live.updates import Outcome, Runtime, Wish
from tests.support import wait_until
from tests.support.hazards import Versions, ask, limited, make_versions, said, shared_cache, source_of, status, updated

CHANGES = 50


@pytest.fixture(scope="module")
def threads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Versions]:
    """Two versions of a program with threads."""
    with shared_cache(tmp_path_factory):
        yield make_versions(tmp_path_factory.mktemp("threads"), source_of("threads.c"))


@pytest.fixture(scope="module")
def with_point(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Versions]:
    """The same with an update point."""
    with shared_cache(tmp_path_factory):
        settings = '[update]\npoints = ["next_round"]\n'
        yield make_versions(tmp_path_factory.mktemp("points"), source_of("threads.c"), settings=settings)


def to_and_fro(pid: int, path: Path, times: int, check: Callable[[int], None] = lambda number: None) -> list[Outcome]:
    """Apply the bundle and take it back, `times` in all, each in a conversation of its own."""
    outcomes = []
    for number in range(times):
        with path.open("rb") as file, Runtime(find_process(pid)) as runtime:
            if number % 2 == 0:
                outcomes.append(runtime.apply(file.fileno(), Wish(timeout=20), lambda phase: None))
            else:
                outcomes.append(runtime.revert(Wish(timeout=20), lambda phase: None))
        check(number)
    return outcomes


def test_a_thread_that_computes_is_named_with_its_stack_and_all_goes_on_in_the_old_version(threads: Versions) -> None:
    with threads.running("compute", "1") as server:
        server.wait_for("ready")
        done = ask("apply", server.pid, threads.bundles[0], "--timeout", "1")
        assert done.code == 1
        assert "PKL107" in done.err
        assert re.search(r"thread \d+ \(computer\).*computing", done.err), done.err
        assert re.search(r"^ +compute in the program", done.err, re.M), done.err
        assert said(server, "say") == "v1"
        assert status(server.pid)["updates"] == []
        server.send("stop\n")
        updated(server, threads.bundles[0])
        assert said(server, "say") == "v2"


def test_a_thread_that_no_signal_reaches_is_not_taken_for_one_that_has_ended(threads: Versions) -> None:
    """Where as many signals are pending as the user may have, the update went ahead under running threads once."""
    with threads.running("compute", "1") as server:
        server.wait_for("ready")
        with limited(server.pid, resource.RLIMIT_SIGPENDING, 0):
            done = ask("apply", server.pid, threads.bundles[0], "--timeout", "1")
            assert (done.code, "PKL113" in done.err) == (1, True), done
            assert said(server, "say") == "v1"
        server.send("stop\n")
        updated(server, threads.bundles[0])
        assert said(server, "say") == "v2"


def test_with_an_update_point_the_same_succeeds(with_point: Versions) -> None:
    with with_point.running("rounds", "2") as server:
        server.wait_for("ready")
        updated(server, with_point.bundles[0], "--timeout", "5")
        assert said(server, "say") == "v2"


def test_threads_in_the_allocator_are_updated_again_and_again(threads: Versions) -> None:
    with threads.running("allocate", "3") as server:
        server.wait_for("ready")
        to_and_fro(server.pid, threads.bundles[0], 11)
        assert said(server, "say") == "v2"


@pytest.mark.parametrize("mode", ["churn", "programs"])
def test_threads_and_children_that_come_and_go_do_not_stop_an_update(mode: str, threads: Versions) -> None:
    with threads.running(mode, "2") as server:
        server.wait_for("ready")
        wait_until(lambda: int(said(server, "created")) > 0)
        versions: list[str] = []
        outcomes = to_and_fro(server.pid, threads.bundles[0], CHANGES, lambda _: versions.append(said(server, "say")))
        assert [each.result for each in outcomes] == ["applied", "reverted"] * (CHANGES // 2)
        assert versions == ["v2", "v1"] * (CHANGES // 2)
        before = int(said(server, "created"))
        wait_until(lambda: int(said(server, "created")) > before)


def test_more_threads_than_there_are_rows_for_are_refused_and_not_passed_over(threads: Versions) -> None:
    with threads.running("sleep", "4200") as server:
        server.wait_for("ready")
        done = ask("apply", server.pid, threads.bundles[0], "--timeout", "2")
        assert done.code == 1
        assert "4096" in done.err, done.err
        assert said(server, "say") == "v1"


def test_a_process_whose_main_thread_has_ended_is_called_so(threads: Versions) -> None:
    with threads.running("leader", "1") as server:
        server.wait_for("ready")
        stat = Path(f"/proc/{server.pid}/stat")
        wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "Z")
        done = ask("apply", server.pid, threads.bundles[0])
        assert done.code == 2
        assert f"main thread of process {server.pid} (server) has ended" in done.err
        assert server.alive()
