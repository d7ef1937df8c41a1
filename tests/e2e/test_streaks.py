"""The servers of the corpus walked through all of their versions under full load: nothing may be lost."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.chains import CHAINS
from tests.support.hazards import cache
from tests.support.live import Chain, ask, make_chain
from tests.support.walks import Walk, walking


@pytest.fixture(scope="module", params=list(CHAINS))
def chain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """All versions of a program, recorded, and their bundles."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHKIT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        yield make_chain(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture
def walk(chain: Chain, tmp_path: Path) -> Iterator[Walk]:
    """The first version of the chain, running under load."""
    with walking(chain, tmp_path, cache()) as server:
        yield server


def test_every_version_is_reached_under_load_and_nothing_is_lost(chain: Chain, walk: Walk) -> None:
    before = walk.status()
    for bundle in chain.bundles:
        walk.load.wait_for_more()
        done = walk.ask("apply", bundle)
        assert done.code == 0, done.err
        assert "updated to" in done.out
    walk.load.wait_for_more()
    after = walk.status()
    assert len(after["updates"]) == len(chain.bundles)
    assert after["started_as"] == before["version"] != after["version"]
    assert {thread["epoch"] for thread in after["threads"]} == {len(chain.bundles)}
    walk.finish()


def test_a_second_apply_of_one_bundle_changes_nothing(chain: Chain, walk: Walk) -> None:
    for said in ("updated to", "already"):
        done = walk.ask("apply", chain.bundles[0])
        assert done.code == 0, done.err
        assert said in done.out
    assert len(walk.status()["updates"]) == 1
    walk.finish()


def test_an_update_is_taken_back_under_load(chain: Chain, walk: Walk) -> None:
    first = walk.status()["version"]
    for _ in range(3):
        assert walk.ask("apply", chain.bundles[0]).code == 0
        assert walk.status()["version"] != first
        walk.load.wait_for_more()
        done = walk.ask("revert")
        assert done.code == 0, done.err
        assert walk.status()["version"] == first
        walk.load.wait_for_more()
    walk.finish()


def test_a_rehearsal_changes_nothing(chain: Chain, walk: Walk) -> None:
    before = walk.status()["version"]
    done = walk.ask("rehearse", chain.bundles[0])
    assert done.code == 0, done.err
    assert walk.status()["version"] == before
    walk.finish()


def test_bad_bundles_are_refused_and_the_server_goes_on(chain: Chain, walk: Walk) -> None:
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
    before = walk.status()
    for name, (content, code, said) in bad.items():
        path = walk.folder / f"{name}.pkb"
        path.write_bytes(content)
        done = walk.ask("apply", path)
        assert (done.code, said in done.err) == (code, True), (name, done)
        walk.load.wait_for_more()
    assert walk.status()["version"] == before["version"]
    assert walk.ask("apply", chain.bundles[0]).code == 0
    walk.finish()


def test_ps_lists_it_and_the_log_outlives_it(chain: Chain, tmp_path: Path) -> None:
    with walking(chain, tmp_path, cache()) as walk:
        listed = json.loads(ask("ps", "--json", cwd=tmp_path).out)
        assert chain.program in [each["program"] for each in listed if each["pid"] == walk.pid]
        assert walk.ask("apply", chain.bundles[0]).code == 0
    done = ask("log", walk.pid, cwd=tmp_path)
    assert done.code == 0, done.err
    assert "switched" in done.out
