"""Clients that quarrel, die or bring what is no bundle for the process: it goes on, at one version or the other."""

import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchkit.live.failure import LiveError
from patchkit.live.process import find_process
from patchkit.live.updates import Outcome, Phase, Runtime, Wish
from tests.support import PATCHKIT, patchkit, wait_until
from tests.support.hazards import Versions, ask, limited, make_versions, said, shared_cache, source_of, status, updated
from tests.support.small import Running

PHASES = ("received", "verified", "prepared", "rehearsed", "quiescing", "switched", "committed")


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Versions]:
    """Three versions of a small program."""
    with shared_cache(tmp_path_factory):
        yield make_versions(tmp_path_factory.mktemp("clients"), source_of("threads.c"), 3)


@pytest.fixture
def server(versions: Versions) -> Iterator[Running]:
    """The first of them with two threads that come and go."""
    with versions.running("churn", "1") as process:
        process.wait_for("ready")
        yield process


def apply(pid: int, path: Path) -> Outcome:
    """Apply a bundle without a process of its own for the client."""
    with path.open("rb") as file, Runtime(find_process(pid)) as runtime:
        return runtime.apply(file.fileno(), Wish(), lambda phase: None)


@pytest.mark.parametrize("phase", PHASES)
def test_a_client_that_leaves_at_any_phase_leaves_the_process_at_one_version(
    phase: str, server: Running, versions: Versions
) -> None:
    class Left(Exception):
        pass

    def leave(heard: Phase) -> None:
        if heard.name == phase:
            raise Left

    with pytest.raises(Left), versions.bundles[0].open("rb") as file, Runtime(find_process(server.pid)) as runtime:
        runtime.apply(file.fileno(), Wish(), leave)
    assert apply(server.pid, versions.bundles[0]).result in ("applied", "already")
    assert said(server, "say") == "v2"
    assert len(status(server.pid)["updates"]) == 1


def test_a_client_that_is_killed_leaves_the_process_at_one_version(server: Running, versions: Versions) -> None:
    words = [*PATCHKIT, "apply", str(server.pid), str(versions.bundles[0])]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as client:
        assert client.stderr is not None
        client.stderr.readline()
        client.kill()
    wait_until(lambda: apply(server.pid, versions.bundles[0]).result == "already")
    assert said(server, "say") == "v2"


def test_of_clients_that_come_at_once_each_hears_what_became_of_its_update(server: Running, versions: Versions) -> None:
    words = [*PATCHKIT, "apply", str(server.pid)]
    paths = [versions.bundles[0]] * 3 + [versions.bundles[1]]
    clients = [
        subprocess.Popen([*words, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for path in paths
    ]
    said_by = [client.communicate(timeout=60) for client in clients]
    codes = [client.returncode for client in clients]
    # Whoever brings the second update too early hears that it is for another build.
    for code, (out, err) in zip(codes, said_by, strict=True):
        assert code == 0 or "PKB801" in err, (code, out, err)
    at = said(server, "say")
    assert at == ("v3" if codes[3] == 0 else "v2")
    assert len(status(server.pid)["updates"]) == int(at[1]) - 1


def test_a_second_identical_update_changes_nothing(server: Running, versions: Versions) -> None:
    results = [apply(server.pid, versions.bundles[0]).result for _ in range(3)]
    assert results == ["applied", "already", "already"]
    assert len(status(server.pid)["updates"]) == 1


def test_a_bundle_in_which_a_bit_is_wrong_is_refused_or_is_still_the_same_update(
    server: Running, versions: Versions, tmp_path: Path
) -> None:
    good = versions.bundles[0].read_bytes()
    refused: set[str] = set()
    for number in range(60):
        bad = bytearray(good)
        place = (number * 7919 * 31) % len(good)
        bad[place] ^= 1 << number % 8
        path = tmp_path / "bad.pkb"
        path.write_bytes(bad)
        try:
            apply(server.pid, path)
        except LiveError as problem:
            refused.add(problem.code)
        else:  # in what nobody reads, such as the owner of a member
            assert said(server, "say") == "v2", place
            assert ask("revert", server.pid).code == 0
        assert server.alive()
    assert refused
    for code in refused:
        assert patchkit("explain", code, cwd=tmp_path).code == 0
    for size in (0, 1, 511, 512, 513, len(good) // 2, len(good) - 12000):
        path.write_bytes(good[:size])
        with pytest.raises(LiveError) as caught:
            apply(server.pid, path)
        assert caught.value.code == "PKL102"
    assert said(server, "say") == "v1"


def test_a_process_that_may_open_no_more_files_says_so_and_takes_the_bundle_later(
    server: Running, versions: Versions
) -> None:
    highest = max(int(name) for name in os.listdir(f"/proc/{server.pid}/fd"))
    # One more for the listener, one for the client, none for the bundle.
    with limited(server.pid, resource.RLIMIT_NOFILE, highest + 3):
        done = ask("apply", server.pid, versions.bundles[0])
        assert (done.code, "PKL104" in done.err, "one more file" in done.err) == (1, True, True), done
    updated(server, versions.bundles[0])
    assert said(server, "say") == "v2"


def test_a_bundle_for_another_build_is_refused(server: Running, versions: Versions) -> None:
    done = ask("apply", server.pid, versions.bundles[1])
    assert (done.code, "PKB801" in done.err) == (1, True)
    assert said(server, "say") == "v1"
