"""kvd walked through versions that change the types of live state, under full load: nothing may be lost.

v1 -> v2: a member in the hottest struct and in the one global struct, a table written in part. v2 -> v3: a list of
nodes becomes one of chunks, entries of every hash table grow, an enumeration in stored values is renumbered, two
settings become a list, tables of functions get a slot.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from corpora.programs.loading import loading
from tests.support import kvd, patchkit
from tests.support.hazards import cache, shared_cache
from tests.support.live import Chain, ask, make_authored_chain, runtime_preloaded


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """The versions, recorded, and the bundles that carry their authored updates."""
    with shared_cache(tmp_path_factory):
        yield make_authored_chain("kvd", tmp_path_factory.mktemp("state"))


def test_live_state_goes_with_the_program(chain: Chain, tmp_path: Path) -> None:
    with runtime_preloaded(cache()):
        started = kvd.serving(chain.binary, tmp_path)
        with started as server, loading(kvd.CLIENT, "--unixsocket", server.path) as load:
            _fill(server)
            for number, bundle in enumerate(chain.bundles, 1):
                load.wait_for_more()
                done = ask("apply", server.process.pid, bundle, cwd=tmp_path)
                assert done.code == 0, done.err
                load.wait_for_more()
                status = json.loads(ask("status", server.process.pid, "--json", cwd=tmp_path).out)
                assert len(status["updates"]) == number
                _check(server)
                assert server.ask("HEXISTS", "hash", "field") == b":1\r\n"
                assert server.ask("TYPE", "hash") == b"$4\r\nhash\r\n"
                assert server.ask("INCRBY", "number", "5").startswith(b":")
            assert server.ask("SADD", "set", "a") == b":1\r\n"  # a command that only the last version has
            seen = load.finish()
            assert server.stop() == 0
    _nothing_lost(seen)


def test_live_state_goes_back_with_the_program(chain: Chain, tmp_path: Path) -> None:
    with runtime_preloaded(cache()):
        started = kvd.serving(chain.binary, tmp_path)
        with started as server, loading(kvd.CLIENT, "--unixsocket", server.path) as load:
            pid = server.process.pid
            _fill(server)
            for bundle in chain.bundles:
                load.wait_for_more()
                assert ask("apply", pid, bundle, cwd=tmp_path).code == 0
            server.ask("SADD", "set", "a")
            server.ask("PING")  # while a client's last command is one that goes, it cannot go
            refused = ask("revert", pid, cwd=tmp_path)
            assert refused.code == 1
            assert (
                "struct object.type: the version to come has no constant of enum object_type for the value"
                in refused.err
            )
            _check(server)
            assert server.ask("DEL", "set") == b":1\r\n"
            server.ask("RPUSH", "new", *(str(number) for number in range(100)))
            server.ask("LPOP", "new")
            for left in reversed(range(len(chain.bundles))):
                load.wait_for_more()
                done = ask("revert", pid, cwd=tmp_path)
                assert done.code == 0, done.err
                status = json.loads(ask("status", pid, "--json", cwd=tmp_path).out)
                assert sum(each["state"] != "reverted" for each in status["updates"]) == left, status
                load.wait_for_more()
                _check(server)
                assert server.ask("SADD", "set", "a").startswith(b"-ERR")
                assert server.ask("LRANGE", "new", "0", "0") == b"*1\r\n$1\r\n1\r\n"
                assert server.ask("LLEN", "new") == b":99\r\n"
            for bundle in chain.bundles:
                load.wait_for_more()
                assert ask("apply", pid, bundle, cwd=tmp_path).code == 0
                _check(server)
            seen = load.finish()
            assert server.stop() == 0
    _nothing_lost(seen)


def test_one_update_in_place_of_two_goes_there_and_back(chain: Chain, tmp_path: Path) -> None:
    updates, squash = chain.folder / "updates", ("squash", "v1", "v3")
    done = patchkit(*squash, cwd=chain.folder)
    # Both steps have a hook; what it takes to do both is left to a programmer, who takes the second, which does more.
    assert done.code == 1, done.out + done.err
    assert [line for line in done.out.splitlines() if line.startswith("to write")] == [
        "to write  code after = transform.c",
        "to write  down code after = down.c",
    ]
    for name in ("transform.c", "down.c"):
        _take_last_hook(updates / "v1--v3" / name)
    done = patchkit(*squash, cwd=chain.folder)
    assert done.code == 0, done.out + done.err
    made = patchkit("bundle", "v1", "v3", "--update", "updates/v1--v3", "-o", "v1--v3.pkb", cwd=chain.folder)
    assert made.code == 0, made.out + made.err
    with runtime_preloaded(cache()):
        started = kvd.serving(chain.binary, tmp_path)
        with started as server, loading(kvd.CLIENT, "--unixsocket", server.path) as load:
            pid = server.process.pid
            _fill(server)
            load.wait_for_more()
            for words in (("apply", pid, chain.folder / "v1--v3.pkb"), ("revert", pid)) * 2:
                done = ask(*words, cwd=tmp_path)
                assert done.code == 0, done.err
                load.wait_for_more()
                _check(server)
                assert server.ask("SADD", "set", "a").startswith(b":1" if words[0] == "apply" else b"-ERR")
                server.ask("DEL", "set")
            seen = load.finish()
            assert server.stop() == 0
    _nothing_lost(seen)


def _take_last_hook(path: Path) -> None:
    """Fill the stub of a hook in with what the last hook that was put aside does."""
    text = path.read_text()
    given = re.findall(r"#if 0 /\* patchkit \*/\n.*?\(void\)migration;\n(.*?)    return 0;", text, re.S)
    path.write_text(text.replace('    PK_TODO("what is to be done?");\n', given[-1]))


def _fill(server: kvd.Server) -> None:
    server.ask("RPUSH", "list", *(str(number) for number in range(100)))
    server.ask("HSET", "hash", "field", "value")
    server.ask("SETEX", "soon", "1000", "x")


def _nothing_lost(seen: Mapping[str, int]) -> None:
    faults = {name: seen[name] for name in ("wrong", "lost", "errors", "lost_connections", "reconnects")}
    assert faults == dict.fromkeys(faults, 0), seen


def _check(server: kvd.Server) -> None:
    """What was stored before is there, and what later versions count goes on from there."""
    values = b"".join(b"$%d\r\n%d\r\n" % (len(str(number)), number) for number in range(100))
    assert server.ask("LRANGE", "list", "0", "-1") == b"*100\r\n" + values
    assert server.ask("HGET", "hash", "field") == b"$5\r\nvalue\r\n"
    assert server.ask("GET", "soon") == b"$1\r\nx\r\n"
    assert 900 < int(server.ask("TTL", "soon")[1:]) <= 1000
