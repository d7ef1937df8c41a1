"""The cached servers answer as memcached's protocol wants, from many threads, under a client that checks each byte."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from corpora.programs.loading import loading
from tests.support import needs, wait_until
from tests.support.chains import CHAINS, PROGRAMS, built
from tests.support.servers import TcpServer, serving

VERSIONS = CHAINS["cached"]
CLIENT = PROGRAMS / "cached/client.py"
THREADS = "-O1 -g -fsanitize=thread"

pytestmark = needs("cc")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the versions are built, each once, with the sanitizers that find what the client cannot see."""
    return tmp_path_factory.mktemp("cached")


@contextmanager
def cached(version: str, folder: Path, *options: str) -> Iterator[TcpServer]:
    with serving(built("cached", version, folder), CLIENT, folder, *options) as server:
        yield server


def stats(server: TcpServer, what: str = "") -> dict[str, str]:
    """Return a report as names and values."""
    lines = server.talk(f"stats {what}\r\n".encode()).decode().split("\r\n")
    assert lines[-2:] == ["END", ""]
    pairs = [text.split(" ", 2)[1:] for text in lines[:-2]]
    return dict(pairs)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_answer_is_right_under_load(version: str, folder: Path) -> None:
    with cached(version, folder) as server:
        seen = server.load("--requests", "1000", "--connections", "12", "--newer")
        assert (seen["wrong"], seen["lost"], seen["errors"], seen["examples"]) == (0, 0, 0, [])
        assert seen["requests"] >= 12 * 1000
        assert stats(server)["version"] == f"1.{int(version[1:]) - 1}"
        assert int(stats(server)["cmd_set"]) > 1000
        assert server.stop() == 0, server.log.read_text()


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_not_evicted_is_right(version: str, folder: Path) -> None:
    with cached(version, folder, "--memory-kb", "256") as server:
        seen = server.load("--requests", "1000", "--connections", "8", "--evicting", "--size", "500", "--keys", "300")
        assert (seen["wrong"], seen["lost"], seen["errors"], seen["examples"]) == (0, 0, 0, [])
        reported = stats(server)
        assert int(reported["evictions"]) > 0
        assert int(reported["bytes"]) <= int(reported["limit_maxbytes"]) + 16 * 30000
        assert server.stop() == 0, server.log.read_text()


@pytest.mark.parametrize("version", [VERSIONS[0], VERSIONS[-1]])
def test_threads_do_not_race(version: str, tmp_path: Path) -> None:
    binary = built("cached", version, tmp_path, flags=THREADS)
    with serving(binary, CLIENT, tmp_path, "--memory-kb", "256") as server:
        seen = server.load("--requests", "500", "--connections", "8", "--evicting", "--size", "500")
        server.talk(b"flush_all\r\nflush_all 1\r\nstats\r\nstats reset\r\nverbosity 3\r\n")
        assert (seen["wrong"], seen["lost"], seen["errors"], seen["examples"]) == (0, 0, 0, [])
        assert server.stop() == 0, server.log.read_text()
        assert "WARNING: ThreadSanitizer" not in server.log.read_text()


@pytest.mark.parametrize("version", VERSIONS)
def test_client_reports_what_is_wrong(version: str, folder: Path) -> None:
    with cached(version, folder) as server:
        server.talk(b"".join(b"set c0:%d 0 0 1\r\nx\r\n" % at for at in range(5)))
        seen = server.load("--requests", "300", "--connections", "1", "--keys", "5")
        assert seen["wrong"] > 0
        assert seen["examples"]


def test_client_goes_on_after_lost_connections(folder: Path) -> None:
    with cached("v1", folder) as server:
        port = str(server.port)
        with loading(CLIENT, "--port", port, "--connections", "3", "--reconnect", "60") as load:
            server.process.kill()
            server.process.wait()
            with serving(folder / "v1/cached", CLIENT, folder, "--port", port):
                load.wait_for("reconnects", 3)
                load.wait_for_more()
                seen = load.finish()
    assert (seen["lost_connections"], seen["reconnects"], seen["wrong"]) == (3, 3, 0)


@pytest.mark.parametrize("version", VERSIONS)
def test_protocol(version: str, folder: Path) -> None:
    with cached(version, folder) as server:
        assert server.talk(b"set a 5 0 3\r\nabc\r\nget a b\r\n") == b"STORED\r\nVALUE a 5 3\r\nabc\r\nEND\r\n"
        assert server.talk(b"append a 0 0 1\r\nd\r\nprepend a 0 0 1\r\n-\r\nget a\r\n").endswith(
            b"5 5\r\n-abcd\r\nEND\r\n"
        )
        assert server.talk(b"set n 0 0 2 noreply\r\n41\r\nincr n 1\r\ndecr n 2\r\n") == b"42\r\n40\r\n"
        assert server.talk(b"incr a 1\r\nincr n x\r\n").count(b"CLIENT_ERROR") == 2
        cas = server.talk(b"gets n\r\n").split(b"\r\n")[0].split(b" ")[4]
        request = b"cas n 0 0 1 %s\r\n7\r\n" % cas
        assert server.talk(request + request + b"cas no 0 0 1 1\r\n7\r\n") == b"STORED\r\nEXISTS\r\nNOT_FOUND\r\n"
        assert server.talk(b"set a 0 0 3\r\nabcd\r\n").startswith(b"CLIENT_ERROR bad data chunk\r\n")
        assert server.talk(b"x" * 9000) == b"CLIENT_ERROR line too long\r\n"
        big = b"set big 0 0 2000000\r\n" + b"x" * 2000000 + b"\r\nversion\r\n"
        assert server.talk(big).startswith(b"SERVER_ERROR object too large for cache\r\nVERSION 1.")
        assert server.talk(b"delete a\r\ndelete a\r\nquit\r\nversion\r\n") == b"DELETED\r\nNOT_FOUND\r\n"


@pytest.mark.parametrize("version", VERSIONS)
def test_ends_and_flushes(version: str, folder: Path) -> None:
    with cached(version, folder) as server:
        server.talk(b"set soon 0 1 1\r\nx\r\nset late 0 1000 1\r\nx\r\nset over 0 -1 1\r\nx\r\n")
        assert b"late" in server.talk(b"get late over\r\n")
        wait_until(lambda: stats(server)["curr_items"] == "1")  # the maintenance thread has come by
        assert server.talk(b"get soon\r\n") == b"END\r\n"
        server.talk(b"flush_all\r\nset a 0 0 1\r\nx\r\n")
        assert server.talk(b"get late a\r\n") == b"VALUE a 0 1\r\nx\r\nEND\r\n"
        assert server.talk(b"flush_all 1\r\nget a\r\n").startswith(b"OK\r\nVALUE a")
        wait_until(lambda: server.talk(b"get a\r\n") == b"END\r\n")


@pytest.mark.parametrize("version", VERSIONS)
def test_tables_grow_when_there_is_work(version: str, folder: Path) -> None:
    with cached(version, folder) as server:
        before = int(stats(server)["hash_buckets"])
        server.talk(b"".join(b"set k%d 0 0 1 noreply\r\nx\r\n" % at for at in range(3 * before)))
        wait_until(lambda: int(stats(server)["hash_buckets"]) > before)  # how many shards grow is the hash's affair
        assert server.talk(b"".join(b"get k%d\r\n" % at for at in range(3 * before))).count(b"VALUE") == 3 * before


@pytest.mark.parametrize("version", VERSIONS)
def test_slow_reader_gets_everything(version: str, folder: Path) -> None:
    with cached(version, folder) as server, socket.create_connection(("127.0.0.1", server.port), 60) as connection:
        server.talk(b"set big 0 0 500000\r\n" + b"y" * 500000 + b"\r\n")
        connection.sendall(b"get big\r\n" * 40 + b"quit\r\n")
        assert server.talk(b"get big\r\n").endswith(b"END\r\n")  # others are served meanwhile
        received = 0
        while piece := connection.recv(65536):
            received += len(piece)
        assert received == 40 * len(b"VALUE big 0 500000\r\n\r\nEND\r\n") + 40 * 500000


def test_connections_beyond_the_limit_are_refused(folder: Path) -> None:
    with cached("v1", folder, "--connections", "2") as server:
        kept = [socket.create_connection(("127.0.0.1", server.port), 60) for _ in range(2)]
        for connection in kept:
            connection.sendall(b"version\r\n")
            assert connection.recv(100).startswith(b"VERSION")
        assert server.talk(b"") == b"SERVER_ERROR too many open connections\r\n"
        for connection in kept:
            connection.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_faults_of_the_first_version_are_fixed(version: str, folder: Path) -> None:
    first = version == "v1"
    with cached(version, folder) as server:
        below = server.talk(b"set n 0 0 1\r\n3\r\ndecr n 5\r\n").split(b"\r\n")[1]
        assert below == (b"18446744073709551614" if first else b"0")
        long = b"k" * 251
        assert server.talk(b"get %s\r\n" % long) == (
            b"END\r\n" if first else b"CLIENT_ERROR bad command line format\r\n"
        )
        answer = server.talk(b"set k x 0 7\r\nversion\r\n")
        assert (b"VERSION" in answer) == first
        known = server.talk(b"set k 0 0 1\r\nx\r\ngats 100 k\r\n").endswith(b"END\r\n")
        assert known != first


def test_last_version_reports_more(folder: Path) -> None:
    with cached("v4", folder) as server:
        server.load("--requests", "100", "--connections", "8")
        wait_until(lambda: int(stats(server, "maintenance")["passes"]) > 2)
        shards, threads = stats(server, "shards"), stats(server, "threads")
        assert sum(int(shards[f"{at}:items"]) for at in range(16)) == int(stats(server)["curr_items"])
        assert all(int(threads[f"{at}:cmd_get"]) > 0 for at in range(4))
        assert stats(server)["refused_connections"] == "0"
