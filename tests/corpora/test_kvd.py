"""The kvd servers build cleanly, serve real clients and lose nothing: updates between them are judged by that."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from corpora.programs.loading import loading
from tests.support import needs, run
from tests.support.kvd import CLIENT, RELEASES, VERSIONS, copy_source, make, serving

Binary = Callable[[str], Path]
ALL = sorted({*VERSIONS, *RELEASES})


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Binary:
    """Return the executable of a version, built once, with the sanitizers that find what the client cannot see."""
    folder = tmp_path_factory.mktemp("kvd")

    def build(version: str) -> Path:
        if not (folder / version).exists():
            flags = "-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined"
            done = make(copy_source(version, folder), flags=flags)
            assert done.code == 0, done.err
        return folder / version / "kvd"

    return build


@pytest.mark.parametrize(
    "compiler", [pytest.param("gcc", marks=needs("gcc")), pytest.param("clang", marks=needs("clang"))]
)
@pytest.mark.parametrize("version", VERSIONS)
def test_builds_without_warnings(version: str, compiler: str, tmp_path: Path) -> None:
    done = make(copy_source(version, tmp_path), flags="-O2 -g", compiler=compiler)
    assert (done.code, done.err) == (0, "")
    assert (tmp_path / version / "kvd").exists()
    assert run("make", "clean", cwd=tmp_path / version).code == 0
    assert not list((tmp_path / version).glob("*.o"))


@pytest.mark.parametrize("version", ALL)
def test_every_answer_is_right_under_load(version: str, binary: Binary, tmp_path: Path) -> None:
    with serving(binary(version), tmp_path) as server:
        seen = server.load("--requests", "4000", "--connections", "5", "--pipeline", "32", "--size", "400", "--newer")
        assert (seen["wrong"], seen["lost"], seen["errors"], seen["examples"]) == (0, 0, 0, [])
        assert seen["requests"] >= 5 * 4000
        assert server.stop() == 0, server.log.read_text()


@pytest.mark.parametrize("version", VERSIONS)
def test_client_reports_what_is_wrong(version: str, binary: Binary, tmp_path: Path) -> None:
    with serving(binary(version), tmp_path) as server:
        server.ask("SET", "c0:s1", "somebody else's")
        server.ask("RPUSH", "c0:l1", "x")
        seen = server.load("--requests", "500", "--connections", "1", "--keys", "2")
        assert seen["wrong"] + seen["errors"] > 0
        assert seen["examples"]


@pytest.mark.parametrize("version", ALL)
def test_saved_keys_survive_a_restart(version: str, binary: Binary, tmp_path: Path) -> None:
    with serving(binary(version), tmp_path) as server:
        server.load("--requests", "1000", "--connections", "2")
        server.ask("SET", "gone soon", "x", "PX", "1")
        server.ask("SETEX", "with an end", "1000", "x")
        before = _whole(server.ask)
        assert server.ask("SAVE") == b"+OK\r\n"
        server.process.kill()
        server.process.wait()
    with serving(binary(version), tmp_path) as server:
        assert _whole(server.ask) == before
        assert server.ask("GET", "gone soon") == b"$-1\r\n"
        assert 900 < int(server.ask("TTL", "with an end")[1:]) <= 1000


@pytest.mark.parametrize(("old", "new"), [*pairwise(VERSIONS), *pairwise(RELEASES)])
def test_next_version_reads_the_dump(old: str, new: str, binary: Binary, tmp_path: Path) -> None:
    with serving(binary(old), tmp_path, "--save", "1000 1000000") as server:
        server.load("--requests", "1000", "--connections", "2")
        before = _whole(server.ask)
        assert server.stop() == 0
    with serving(binary(new), tmp_path) as server:
        assert _whole(server.ask) == before


def _whole(ask: Callable[..., bytes]) -> dict[bytes, set[bytes]]:
    """Return every key with the lines of its value, whatever its type; the order of a hash is not part of it."""
    keys = [line for line in ask("KEYS", "c*").split(b"\r\n")[1:-1] if not line.startswith(b"$")]
    found = {}
    for key in keys:
        command = {b"l": ("LRANGE", key, "0", "-1"), b"h": ("HGETALL", key)}.get(key.split(b":")[1][:1], ("GET", key))
        reply = ask(*command)
        if reply.startswith(b"-WRONGTYPE"):
            replies = (ask("GET", key), ask("LRANGE", key, "0", "-1"), ask("HGETALL", key))
            (reply,) = [other for other in replies if not other.startswith(b"-")]
        found[key] = set(reply.split(b"\r\n"))
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_background_save_does_not_block_and_is_reported(version: str, binary: Binary, tmp_path: Path) -> None:
    with serving(binary(version), tmp_path, "--hz", "100") as server:
        server.ask("SET", "key", "value")
        assert server.ask("BGSAVE").startswith(b"$")
        while b"rdb_bgsave_in_progress:1" in server.ask("INFO", "persistence"):
            assert server.ask("GET", "key") == b"$5\r\nvalue\r\n"
        assert b"rdb_changes_since_last_save:0" in server.ask("INFO", "persistence")
        assert (tmp_path / "dump.kvd").read_bytes().startswith(b"KVD")


@pytest.mark.parametrize("version", ALL)
def test_inline_requests_and_protocol_errors(version: str, binary: Binary, tmp_path: Path) -> None:
    with serving(binary(version), tmp_path) as server:
        assert server.send(b'SET "a key" "x\\x41\\n"\r\nGET \'a key\'\r\nQUIT\r\n') == b"+OK\r\n$3\r\nxA\n\r\n+OK\r\n"
        assert server.send(b'GET "open\r\n').startswith(b"-ERR Protocol error")
        assert server.send(b"*2\r\n$3\r\nGET\r\n:5\r\n").startswith(b"-ERR Protocol error")
        assert server.send(b"*99999\r\n").startswith(b"-ERR Protocol error")
        assert server.ask("NO SUCH") == b"-ERR unknown command 'NO SUCH'\r\n"
        assert server.ask("GET").startswith(b"-ERR wrong number of arguments")


@pytest.mark.parametrize("version", VERSIONS)
def test_options_are_read_and_set(version: str, binary: Binary, tmp_path: Path) -> None:
    with serving(binary(version), tmp_path, "--maxclients", "3") as server:
        assert server.ask("CONFIG", "GET", "maxclients") == b"*2\r\n$10\r\nmaxclients\r\n$1\r\n3\r\n"
        assert server.ask("CONFIG", "SET", "hz", "50") == b"+OK\r\n"
        assert b"50" in server.ask("CONFIG", "GET", "h[a-z]")
        assert server.ask("CONFIG", "SET", "hz", "zero").startswith(b"-ERR Invalid")
        assert server.ask("CONFIG", "SET", "port", "1").startswith(b"-ERR Option")
        assert b"connected_clients:1" in server.ask("INFO", "clients")


@pytest.mark.parametrize("version", VERSIONS)
def test_idle_clients_are_closed(version: str, binary: Binary, tmp_path: Path) -> None:
    with serving(binary(version), tmp_path, "--timeout", "1") as server:
        assert server.send(b"") == b""


def test_first_version_has_the_faults_that_the_second_fixes(binary: Binary, tmp_path: Path) -> None:
    largest = str(2**63 - 1)
    for version, after in (("v1", f"{-(2**63)}"), ("v2", largest), ("v3", largest)):
        (tmp_path / version).mkdir()
        with serving(binary(version), tmp_path / version) as server:
            server.ask("SET", "n", largest)
            server.ask("INCR", "n")
            assert server.ask("GET", "n").split(b"\r\n")[1].decode() == after
            assert server.ask("SETEX", "k", "0", "v").startswith(b"+OK" if version == "v1" else b"-ERR invalid expire")


def test_last_version_has_sets_and_several_save_points(binary: Binary, tmp_path: Path) -> None:
    with serving(binary("v3"), tmp_path, "--save", "900 1 60 1000") as server:
        assert server.ask("SADD", "s", "a", "b", "a") == b":2\r\n"
        assert server.ask("SISMEMBER", "s", "b") == b":1\r\n"
        assert server.ask("SREM", "s", "b", "c") == b":1\r\n"
        assert server.ask("SMEMBERS", "s") == b"*1\r\n$1\r\na\r\n"
        assert server.ask("SAVE") == b"+OK\r\n"
        assert server.ask("SPOP", "s") == b"$1\r\na\r\n"
        assert server.ask("TYPE", "s") == b"$4\r\nnone\r\n"
        assert server.ask("CONFIG", "SET", "save", "1 2 3").startswith(b"-ERR Invalid")
        server.process.kill()
        server.process.wait()
    with serving(binary("v3"), tmp_path) as server:
        assert server.ask("SMEMBERS", "s") == b"*1\r\n$1\r\na\r\n"


@pytest.mark.parametrize("version", RELEASES)
def test_release_tells_its_version(version: str, binary: Binary, tmp_path: Path) -> None:
    with serving(binary(version), tmp_path) as server:
        told = "1.0" + version.removeprefix("v1")
        assert f"kvd_version:{told}\r\n".encode() in server.ask("INFO")


def test_releases_fix_and_add(binary: Binary, tmp_path: Path) -> None:
    for version in RELEASES[1:]:
        (tmp_path / version).mkdir()
        with serving(binary(version), tmp_path / version) as server:
            server.ask("SET", "n", str(2**63 - 1))
            assert server.ask("INCR", "n") == b"-ERR increment or decrement would overflow\r\n"
            assert server.ask("SETEX", "k", "0", "v").startswith(b"-ERR invalid expire")
            assert server.ask("EXPIRE", "n", "-1") == b":1\r\n"
            assert server.ask("DBSIZE") == b":0\r\n"
            assert server.ask("INCRBY", "n", "5").startswith(b"-ERR unknown" if version == "v1.1" else b":5")


@pytest.mark.parametrize("version", RELEASES[2:])
def test_added_commands(version: str, binary: Binary, tmp_path: Path) -> None:
    with serving(binary(version), tmp_path) as server:
        assert server.ask("COMMAND", "COUNT") == b":49\r\n"
        assert server.ask("SETNX", "a", "1") == b":1\r\n"
        assert server.ask("PEXPIRE", "a", "100000") == b":1\r\n"
        assert server.ask("RENAME", "a", "b") == b"+OK\r\n"
        assert 0 < int(server.ask("PTTL", "b")[1:]) <= 100000
        assert server.ask("DECRBY", "b", "3") == b":-2\r\n"
        assert server.ask("GETSET", "b", "x") == b"$2\r\n-2\r\n"
        assert server.ask("TTL", "b") == b":-1\r\n"
        assert server.ask("RENAME", "a", "b") == b"-ERR no such key\r\n"
        assert b"cmdstat_getset:calls=1" in server.ask("INFO", "commandstats")


def test_last_release_reports_more(binary: Binary, tmp_path: Path) -> None:
    with serving(binary("v1.5"), tmp_path) as server:
        for name in ("CPU", "Expiry", "Stats"):
            assert f"# {name}\r\n".encode() in server.ask("INFO", "everything")
        server.ask("GET", "nothing")
        assert b"keyspace_misses:1\r\n" in server.ask("INFO", "stats")
        assert b" cmd=client" in server.ask("CLIENT", "INFO")
        assert server.send(b'SET k "\\e\\0"\r\nGET k\r\nQUIT\r\n') == b"+OK\r\n$2\r\n\x1b\x00\r\n+OK\r\n"


def test_client_goes_on_after_lost_connections(binary: Binary, tmp_path: Path) -> None:
    options = ("--connections", "3", "--reconnect", "60")
    with serving(binary("v1"), tmp_path) as server, loading(CLIENT, "--unixsocket", server.path, *options) as load:
        server.process.kill()
        server.process.wait()
        with serving(binary("v1.5"), tmp_path):
            load.wait_for("reconnects", 3)
            load.wait_for_more()
            seen = load.finish()
    assert (seen["lost_connections"], seen["reconnects"], seen["wrong"]) == (3, 3, 0)
    assert seen["silence_ms"] >= seen["p50_ms"] > 0


@needs("redis-cli")
@pytest.mark.parametrize("version", ALL)
def test_real_command_line_client(version: str, binary: Binary, tmp_path: Path) -> None:
    with serving(binary(version), tmp_path) as server:
        words = {"SET a 1": "OK", "INCR a": "2", "LPUSH l x y": "2", "LRANGE l 0 -1": "y\nx", "HSET h f v": "1"}
        for request, expected in {**words, "HGETALL h": "f\nv", "DBSIZE": "3", "PING": "PONG"}.items():
            assert run("redis-cli", "-s", server.path, *request.split(), cwd=tmp_path).out.strip() == expected
        assert "kvd_version" in run("redis-cli", "-p", str(server.port), "INFO", cwd=tmp_path).out
        run("redis-cli", "-s", server.path, "SHUTDOWN", cwd=tmp_path)
        assert server.process.wait(60) == 0


@needs("redis-benchmark")
@pytest.mark.parametrize("version", ALL)
def test_real_benchmark(version: str, binary: Binary, tmp_path: Path) -> None:
    tests = "ping,set,get,incr,lpush,rpush,lpop,rpop,hset,lrange_100,mset" + (",sadd,spop" if version >= "v3" else "")
    with serving(binary(version), tmp_path) as server:
        done = run(
            "redis-benchmark",
            "-s",
            server.path,
            "-n",
            "2000",
            "-P",
            "4",
            "-r",
            "100",
            "--csv",
            "-t",
            tests,
            cwd=tmp_path,
        )
        assert done.code == 0
        assert "error" not in (done.out + done.err).lower()
        assert done.out.count('"') / 16 >= len(tests.split(","))
