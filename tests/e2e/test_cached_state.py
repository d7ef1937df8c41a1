"""cached brought to a version that changes live types, under full load and with a client in the middle of a command.

v4 -> v5: every item, which a flexible array ends, gets a member before what moves; a connection gets one where there
was padding; the rows that threads count in, each by a pointer of its own, grow; shards count their bytes anew.
"""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpora.programs.loading import loading
from tests.support.chains import PROGRAMS
from tests.support.hazards import cache, shared_cache
from tests.support.live import Chain, ask, make_authored_chain, runtime_preloaded
from tests.support.servers import TcpServer, serving

CLIENT = PROGRAMS / "cached/client.py"
FAULTS = ("wrong", "lost", "errors", "lost_connections")
VALUE = b"v" * 3000


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """Both versions, recorded, and the bundle that carries the authored update."""
    with shared_cache(tmp_path_factory):
        yield make_authored_chain("cached", tmp_path_factory.mktemp("cached"))


def stats(server: TcpServer) -> dict[str, int]:
    """Return the numbers that the server reports."""
    return {name: int(value) for name, value in re.findall(r"STAT (\w+) (\d+)\r", server.talk(b"stats\r\n").decode())}


def receive(connection: socket.socket, wanted: bytes) -> None:
    """Read just what is wanted."""
    received = b""
    while len(received) < len(wanted):
        received += connection.recv(len(wanted) - len(received))
    assert received == wanted


def test_items_connections_and_counts_go_there_and_back(chain: Chain, tmp_path: Path) -> None:
    options = ("--threads", "3", "--memory-kb", "65536")
    with runtime_preloaded(cache()), serving(chain.binary, CLIENT, tmp_path, *options) as server:
        for number in range(40):
            server.talk(b"set key:%d 7 0 %d\r\n%s\r\n" % (number, number, VALUE[:number]))
        many = b"".join(b"set many:%d 0 0 %d noreply\r\n%s\r\n" % (n, n % 300, VALUE[: n % 300]) for n in range(20_000))
        server.talk(many + b"version\r\n")
        before = stats(server)
        with (
            loading(CLIENT, "--port", str(server.port)) as load,
            socket.create_connection(("127.0.0.1", server.port), 60) as half,
        ):
            half.sendall(b"set half 5 0 3000\r\n" + VALUE[:1000])
            for times in (1, 2):
                load.wait_for_more()
                done = ask("apply", server.process.pid, chain.bundles[0], cwd=tmp_path)
                assert done.code == 0, done.err
                load.wait_for_more()
                check(server, b"1.4")
                if times == 1:
                    half.sendall(VALUE[1000:] + b"\r\nwhoami\r\n")
                    receive(half, b"STORED\r\nCONNECTION 1 commands\r\n")
                    half.sendall(b"get half\r\n")
                    receive(half, b"VALUE half 5 3000\r\n" + VALUE + b"\r\nEND\r\n")
                half.sendall(b"set half 5 0 3000\r\n" + VALUE[:2000])
                load.wait_for_more()
                done = ask("revert", server.process.pid, cwd=tmp_path)
                assert done.code == 0, done.err
                check(server, b"1.3")
                half.sendall(VALUE[2000:] + b"\r\n")
                receive(half, b"STORED\r\n")
            seen = load.finish()
        assert {name: seen[name] for name in FAULTS} == dict.fromkeys(FAULTS, 0), seen
        server.talk(b"flush_all\r\n")
        after = stats(server)
        assert after["total_connections"] > before["total_connections"]
        assert after["cmd_set"] > before["cmd_set"]
        status = json.loads(ask("status", server.process.pid, "--json", cwd=tmp_path).out)
        assert [each["state"] for each in status["updates"]] == ["reverted"] * len(status["updates"])
        assert server.stop() == 0, server.log.read_text()


def check(server: TcpServer, version: bytes) -> None:
    """What was stored before is there, and what a shard counts is what its items take."""
    assert server.talk(b"version\r\n") == b"VERSION " + version + b"\r\n"
    for number in (1, 39):
        wanted = b"VALUE key:%d 7 %d\r\n%s\r\nEND\r\n" % (number, number, VALUE[:number])
        assert server.talk(b"get key:%d\r\n" % number) == wanted
    for number in (0, 299, 19_999):
        value = VALUE[: number % 300]
        wanted = b"VALUE many:%d 0 %d\r\n%s\r\nEND\r\n" % (number, len(value), value)
        assert server.talk(b"get many:%d\r\n" % number) == wanted
