"""ftpd brought to a version whose sessions have another layout, while each waits in the middle of something.

v3 -> v4: the session, a variable of each session's process, grows at its end; so does the first one's table.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import patchkit
from tests.support.chains import PROGRAMS
from tests.support.ftp import Session
from tests.support.hazards import cache, shared_cache
from tests.support.live import Chain, make_authored_chain, runtime_preloaded
from tests.support.servers import serving

CONTENT = os.urandom(600_000)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """Both versions, recorded, and the bundle that carries the authored update."""
    with shared_cache(tmp_path_factory):
        yield make_authored_chain("ftpd", tmp_path_factory.mktemp("ftpd"))


def test_sessions_that_wait_and_transfers_in_the_middle_go_there_and_back(chain: Chain, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "large").write_bytes(CONTENT)
    options = ("--root", str(root), "--rate-kb", "200", "--burst-kb", "16")
    with (
        runtime_preloaded(cache()),
        serving(chain.binary, PROGRAMS / "ftpd/client.py", tmp_path, *options) as server,
        Session(server.port) as idle,
        Session(server.port) as busy,
    ):
        assert idle.ask("MKD inner").startswith("257")
        assert idle.ask("CWD inner").startswith("250")
        with busy.transfer("RETR large", "150 large comes, 600000 bytes.") as data:
            received = data.recv(1000)
            for _ in range(2):
                done = patchkit("apply", "--tree", str(server.process.pid), str(chain.bundles[0]), cwd=tmp_path)
                assert done.code == 0, done.err
                assert len(done.out.splitlines()) == 3, done.out
                assert " Replies: 4\r\n" in idle.ask("STAT")  # those of this one, counted from the update on
                assert '"/inner"' in idle.ask("PWD")
                received += data.recv(20_000)
                done = patchkit("revert", "--tree", str(server.process.pid), cwd=tmp_path)
                assert done.code == 0, done.err
                assert "Replies" not in idle.ask("STAT")
                received += data.recv(20_000)
            assert len(received) < len(CONTENT)  # all of that happened in the middle
            while piece := data.recv(65536):
                received += piece
        assert busy.reply() == "226 The transfer is complete."
        assert received == CONTENT
        with Session(server.port) as later:
            assert later.ask("PWD").startswith("257")
