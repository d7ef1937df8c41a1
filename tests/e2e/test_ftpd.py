"""A server with a process for each session, updated whole: transfers that are in the middle come to their right end."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import Outcome, patchkit, wait_until
from tests.support.chains import PROGRAMS
from tests.support.ftp import Session, children
from tests.support.hazards import cache, shared_cache
from tests.support.live import Chain, make_chain, runtime_preloaded
from tests.support.servers import TcpServer, serving

CONTENT = os.urandom(600_000)
SLOWLY = ("--rate-kb", "200", "--burst-kb", "16")


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """All versions, recorded, and their bundles."""
    with shared_cache(tmp_path_factory):
        yield make_chain("ftpd", tmp_path_factory.mktemp("ftpd"))


@contextmanager
def ftpd(chain: Chain, folder: Path, *options: str) -> Iterator[TcpServer]:
    """The first version, with the runtime in it and a large file to give."""
    root = folder / "root"
    root.mkdir()
    (root / "large").write_bytes(CONTENT)
    client = PROGRAMS / "ftpd/client.py"
    with runtime_preloaded(cache()), serving(chain.binary, client, folder, "--root", str(root), *options) as server:
        yield server


def ask(server: TcpServer, word: str, *more: str | Path) -> Outcome:
    """Ask the server and all of its sessions."""
    return patchkit(word, str(server.process.pid), *map(str, more), "--tree", cwd=server.log.parent)


def versions(server: TcpServer) -> dict[int, str]:
    """Return the version of the server and of each session."""
    rows = json.loads(patchkit("ps", "--json", cwd=server.log.parent).out)
    family = {server.process.pid, *children(server.process.pid)}
    return {row["pid"]: row["version"] for row in rows if row["pid"] in family}


def has_pending_signal(pid: int) -> bool:
    """Whether a stopped process was sent another signal than that, as it is when it is asked."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    stop = 1 << (signal.SIGSTOP - 1)  # which may not have come yet
    return any(int(word, 16) & ~stop for word in re.findall(r"(?:SigPnd|ShdPnd):\s+(\w+)", status))


def test_transfers_in_both_directions_go_on_through_every_version_and_back(chain: Chain, tmp_path: Path) -> None:
    with ftpd(chain, tmp_path, *SLOWLY) as server, Session(server.port) as down, Session(server.port) as up:
        with down.transfer("RETR large", "150 large comes, 600000 bytes.") as getting:
            with up.transfer("STOR copy", "150 Send copy.") as putting:
                received = getting.recv(1000)
                putting.sendall(CONTENT[:1000])
                sent = 1000
                for word, path in [*(("apply", path) for path in chain.bundles), ("revert", None), ("revert", None)]:
                    done = ask(server, word, *([path] if path else []))
                    assert done.code == 0, done.err
                    assert sum(line.startswith("process ") for line in done.out.splitlines()) == 3, done.out
                    assert len(set(versions(server).values())) == 1
                    received += getting.recv(20_000)
                    putting.sendall(CONTENT[sent : sent + 20_000])
                    sent += 20_000
                assert len(received) < len(CONTENT)  # all of that happened in the middle
                putting.sendall(CONTENT[sent:])
                while piece := getting.recv(65536):
                    received += piece
            assert up.reply() == "226 The transfer is complete."
        assert down.reply() == "226 The transfer is complete."
    assert received == CONTENT
    assert (tmp_path / "root/copy").read_bytes() == CONTENT


def test_a_session_that_an_updated_server_forks_is_at_the_new_version(chain: Chain, tmp_path: Path) -> None:
    with ftpd(chain, tmp_path) as server, Session(server.port) as older:
        assert ask(server, "apply", chain.bundles[0]).code == 0
        with Session(server.port) as newer:
            assert "1.1" in newer.greeting
            assert older.ask("MLST large").startswith("250")  # a command of the new version
            assert newer.ask("MLST large").startswith("250")
            done = ask(server, "apply", chain.bundles[0])
            assert done.code == 0, done.err
            assert done.out.count("nothing was changed") == len(done.out.splitlines()) == 3


def test_a_session_at_another_version_is_named_and_left_there(chain: Chain, tmp_path: Path) -> None:
    with ftpd(chain, tmp_path) as server:
        for path in chain.bundles:
            assert ask(server, "apply", path).code == 0
        with Session(server.port):
            (session,) = children(server.process.pid)
            newest = versions(server)[session]
            assert patchkit("revert", str(server.process.pid), cwd=tmp_path).code == 0
            done = ask(server, "revert", "--keep-going")
            assert done.code == 1
            assert f"process {session} (ftpd) is at {newest[:12]}, not at" in done.err
            assert "PKL009" in done.err
            assert versions(server)[session] == newest
            assert patchkit("revert", str(session), cwd=tmp_path).code == 0


def test_a_session_that_ends_while_all_are_updated_is_told_and_is_no_failure(chain: Chain, tmp_path: Path) -> None:
    with ftpd(chain, tmp_path) as server, Session(server.port) as one, Session(server.port):
        victim = max(children(server.process.pid))
        os.kill(victim, signal.SIGSTOP)  # so that it ends while it is asked
        command = [sys.executable, "-m", "patchkit", "apply", "--tree", str(server.process.pid), str(chain.bundles[0])]
        with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, encoding="utf-8") as applying:
            assert applying.stderr is not None
            wait_until(lambda: has_pending_signal(victim))
            os.kill(victim, signal.SIGKILL)
            told = applying.stderr.read()
            assert applying.wait(60) == 0, told
        assert f"process {victim} (ftpd) ended of itself while it was asked" in told
        assert one.ask("MLST large").startswith("250")
