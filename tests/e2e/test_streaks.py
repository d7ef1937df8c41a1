"""The servers of the corpus walked through all of their versions under full load: nothing may be lost."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support import kvd, servers
from tests.support.chains import PROGRAMS
from tests.support.live import Chain, ask, make_chain, runtime_preloaded
from tests.support.loads import loading


@pytest.fixture(scope="module", params=["kvd", "cached"])
def chain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """All versions of a program, recorded, and their bundles."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHKIT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        yield make_chain(request.param, tmp_path_factory.mktemp(request.param))


class Started:
    """The first version of a chain, running with the runtime in it."""

    def __init__(self, chain: Chain, stack: ExitStack, folder: Path) -> None:
        client = PROGRAMS / chain.program / "client.py"
        with runtime_preloaded(Path(os.environ["PATCHKIT_CACHE"])):
            if chain.program == "kvd":
                server = stack.enter_context(kvd.serving(chain.binary, folder))
                self.pid, where = server.process.pid, ("--unixsocket", server.path)
            else:
                other = stack.enter_context(servers.serving(chain.binary, client, folder, "--threads", "4"))
                self.pid, where = other.process.pid, ("--port", str(other.port))
        self.load = stack.enter_context(loading(client, *where))
        self.folder = folder

    def status(self) -> dict[str, Any]:
        """What `patchkit status` says."""
        done = ask("status", self.pid, "--json", cwd=self.folder)
        assert done.code == 0, done.err
        facts: dict[str, Any] = json.loads(done.out)
        return facts

    def finish(self) -> dict[str, Any]:
        """What the load client saw; it has to be flawless."""
        seen = self.load.finish()
        faults = {name: seen[name] for name in ("wrong", "lost", "errors", "lost_connections", "reconnects")}
        assert faults == dict.fromkeys(faults, 0), seen
        return seen


def test_every_version_is_reached_under_load_and_nothing_is_lost(chain: Chain, tmp_path: Path) -> None:
    with ExitStack() as stack:
        server = Started(chain, stack, tmp_path)
        before = server.status()
        for bundle in chain.bundles:
            server.load.wait_for_more()
            done = ask("apply", server.pid, bundle, cwd=tmp_path)
            assert done.code == 0, done.err
            assert "updated to" in done.out
        server.load.wait_for_more()
        after = server.status()
        assert len(after["updates"]) == len(chain.bundles)
        assert after["started_as"] == before["version"] != after["version"]
        assert {thread["epoch"] for thread in after["threads"]} == {len(chain.bundles)}
        server.finish()


def test_a_second_apply_of_one_bundle_changes_nothing(chain: Chain, tmp_path: Path) -> None:
    with ExitStack() as stack:
        server = Started(chain, stack, tmp_path)
        for said in ("updated to", "already"):
            done = ask("apply", server.pid, chain.bundles[0], cwd=tmp_path)
            assert done.code == 0, done.err
            assert said in done.out
        assert len(server.status()["updates"]) == 1
        server.finish()


def test_an_update_is_taken_back_under_load(chain: Chain, tmp_path: Path) -> None:
    with ExitStack() as stack:
        server = Started(chain, stack, tmp_path)
        first = server.status()["version"]
        for _ in range(3):
            assert ask("apply", server.pid, chain.bundles[0], cwd=tmp_path).code == 0
            assert server.status()["version"] != first
            server.load.wait_for_more()
            done = ask("revert", server.pid, cwd=tmp_path)
            assert done.code == 0, done.err
            assert server.status()["version"] == first
            server.load.wait_for_more()
        server.finish()


def test_a_rehearsal_changes_nothing(chain: Chain, tmp_path: Path) -> None:
    with ExitStack() as stack:
        server = Started(chain, stack, tmp_path)
        before = server.status()["version"]
        done = ask("rehearse", server.pid, chain.bundles[0], cwd=tmp_path)
        assert done.code == 0, done.err
        assert server.status()["version"] == before
        server.finish()


def test_bad_bundles_are_refused_and_the_server_goes_on(chain: Chain, tmp_path: Path) -> None:
    good = chain.bundles[0].read_bytes()
    middle = bytearray(good)
    middle[len(good) // 2] ^= 0x10
    bad = {
        "empty": (b"", 2, ""),
        "truncated": (good[: len(good) // 3], 1, "PKL102"),
        "changed": (bytes(middle), 1, "PKL102"),
        "text": (b"not a bundle\n" * 100, 2, "not a bundle"),
        "later": (chain.bundles[-1].read_bytes(), 1, "PKB801"),
    }
    with ExitStack() as stack:
        server = Started(chain, stack, tmp_path)
        before = server.status()
        for name, (content, code, said) in bad.items():
            path = tmp_path / f"{name}.pkb"
            path.write_bytes(content)
            done = ask("apply", server.pid, path, cwd=tmp_path)
            assert (done.code, said in done.err) == (code, True), (name, done)
            server.load.wait_for_more()
        assert server.status()["version"] == before["version"]
        assert ask("apply", server.pid, chain.bundles[0], cwd=tmp_path).code == 0
        server.finish()


def test_ps_lists_it_and_the_log_outlives_it(chain: Chain, tmp_path: Path) -> None:
    with ExitStack() as stack:
        server = Started(chain, stack, tmp_path)
        listed = json.loads(ask("ps", "--json", cwd=tmp_path).out)
        assert chain.program in [each["program"] for each in listed if each["pid"] == server.pid]
        assert ask("apply", server.pid, chain.bundles[0], cwd=tmp_path).code == 0
    done = ask("log", server.pid, cwd=tmp_path)
    assert done.code == 0, done.err
    assert "switched" in done.out
