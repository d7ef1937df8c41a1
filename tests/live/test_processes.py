"""Processes that fork, become daemons, drop privileges or lose what the runtime needs: updated, or told why not."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import patchkit, wait_until
from tests.support.hazards import Versions, ask, make_versions, shared_cache, source_of, status, updated
from tests.support.small import Running

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Versions]:
    """Three versions of a program that changes what its process is."""
    with shared_cache(tmp_path_factory):
        yield make_versions(tmp_path_factory.mktemp("processes"), source_of("processes.c"), 3)


def born(server: Running, word: str, number: int = 0) -> int:
    """Return the number of the process that said that it is there, the `number`-th to do so."""

    def found() -> list[int]:
        return [int(line.split()[1]) for line in server.lines() if line.startswith(f"{word} ")]

    wait_until(lambda: len(found()) > number, seconds=20)
    return found()[number]


def versions_of(server: Running, count: int) -> dict[int, str]:
    """Return what each of `count` processes says."""
    seen = len(server.lines())
    server.send("say\n")

    def answers() -> dict[int, str]:
        words = [line.split() for line in server.lines()[seen:]]
        return {int(pid): version for pid, version in (word for word in words if word[0].isdigit())}

    wait_until(lambda: len(answers()) == count, seconds=20)
    return answers()


def end(pid: int) -> None:
    """End a process that is no child of ours."""
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{pid}").exists())


def listed(pid: int) -> str:
    """Return what `patchkit ps` says of process `pid`, in words."""
    rows = json.loads(patchkit("ps", "--json", cwd=Path("/")).out)
    return next((json.dumps(row) for row in rows if row["pid"] == pid), "not listed")


def test_parent_and_children_are_updated_each_for_itself(processes: Versions) -> None:
    with processes.running("none") as server:
        server.send("fork\n")
        child = born(server, "child")
        updated(child, processes.bundles[0])
        assert versions_of(server, 2) == {server.pid: "v1", child: "v2"}
        updated(server, processes.bundles[0])
        server.send("fork\n")  # by the child, at v2
        grandchild = born(server, "child", 1)
        assert versions_of(server, 3) == dict.fromkeys((server.pid, child, grandchild), "v2")
        updated(grandchild, processes.bundles[1])
        assert versions_of(server, 3) == {server.pid: "v2", child: "v2", grandchild: "v3"}
        assert ask("revert", child).code == 0
        updated(server, processes.bundles[1])
        assert versions_of(server, 3) == {server.pid: "v3", child: "v1", grandchild: "v3"}
        assert len(status(grandchild)["updates"]) == 2


def test_a_program_that_executes_itself_holds_the_runtime_anew_where_it_is_preloaded(processes: Versions) -> None:
    with processes.running("none") as server:
        born(server, "ready")
        updated(server, processes.bundles[0])
        server.send("exec\n")
        born(server, "ready", 1)
        assert versions_of(server, 1) == {server.pid: "v1"}
        updated(server, processes.bundles[0])
        assert versions_of(server, 1) == {server.pid: "v2"}
        server.send("exec-without\n")
        born(server, "ready", 2)
        done = ask("apply", server.pid, processes.bundles[0])
        assert done.code == 2
        assert "PKL001" in done.err
        assert versions_of(server, 1) == {server.pid: "v1"}


def test_a_daemon_is_updated(processes: Versions) -> None:
    with processes.running("daemon") as server:
        pid = born(server, "ready")
        assert pid != server.pid
        try:
            updated(pid, processes.bundles[0])
            server.process.wait()
            assert versions_of(server, 1) == {pid: "v2"}
        finally:
            end(pid)


@pytest.mark.parametrize("mode", ["undumpable", pytest.param("setuid", marks=as_root)])
def test_a_process_that_changes_its_rights_is_updated(mode: str, processes: Versions) -> None:
    with processes.running("none") as server:
        born(server, "ready")
        updated(server, processes.bundles[0])
        server.send(f"{mode}\n")
        assert versions_of(server, 1) == {server.pid: "v2"}
        updated(server, processes.bundles[1])
        assert versions_of(server, 1) == {server.pid: "v3"}


def test_a_program_that_closes_all_descriptors_while_it_is_asked_goes_on_and_can_be_asked_again(
    processes: Versions,
) -> None:
    with processes.running("none") as server:
        born(server, "ready")
        assert status(server.pid)["updates"] == []
        server.send("close\nopen\n")  # the descriptor of the runtime's socket is one of the program's now
        wait_until(lambda: any(line.startswith("opened ") for line in server.lines()))
        updated(server, processes.bundles[0])
        assert versions_of(server, 1) == {server.pid: "v2"}
        assert is_idle(server.pid)


def is_idle(pid: int) -> bool:
    """Whether process `pid` comes to rest: the runtime's thread ends, and uses no time until then."""

    def ticks() -> int:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    wait_until(lambda: len(list(Path(f"/proc/{pid}/task").iterdir())) == 1, seconds=20)
    return ticks() - before < 50


def test_where_no_descriptor_is_left_the_reason_is_said(processes: Versions) -> None:
    with processes.running("descriptors") as server:
        born(server, "ready")
        assert "all of the 64 descriptors" in listed(server.pid)
        assert versions_of(server, 1) == {server.pid: "v1"}


@as_root
def test_in_another_root_without_proc_the_reason_is_said(processes: Versions, tmp_path: Path) -> None:
    with processes.running("chroot", str(tmp_path)) as server:
        born(server, "ready")
        assert "opened no control socket in /run/user/0/patchkit or /tmp/patchkit-0" in listed(server.pid)
        (tmp_path / "tmp").mkdir()
        done = ask("apply", server.pid, processes.bundles[0])
        assert done.code == 1
        assert "/proc/self/task" in done.err
        assert "PKL113" in done.err
        assert versions_of(server, 1) == {server.pid: "v1"}
