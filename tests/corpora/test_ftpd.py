"""The ftpd servers do what FTP wants, one process per session; the client checks each byte of each transfer."""

import os
import re
import socket
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from corpora.programs.loading import loading
from tests.support import needs, run, wait_until
from tests.support.chains import CHAINS, PROGRAMS, built
from tests.support.ftp import Session, children
from tests.support.servers import TcpServer, serving

VERSIONS = CHAINS["ftpd"]
CLIENT = PROGRAMS / "ftpd/client.py"

pytestmark = needs("cc")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the versions are built, each once, with the sanitizers that find what the client cannot see."""
    return tmp_path_factory.mktemp("ftpd")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The directory that is served."""
    path = tmp_path / "root"
    path.mkdir()
    return path


@contextmanager
def ftpd(version: str, folder: Path, root: Path, *options: str) -> Iterator[TcpServer]:
    with serving(built("ftpd", version, folder), CLIENT, folder, "--root", str(root), *options) as server:
        yield server


@pytest.mark.parametrize("version", VERSIONS)
def test_every_answer_is_right_under_load(version: str, folder: Path, root: Path) -> None:
    with ftpd(version, folder, root, "--rate-kb", "1024") as server:
        seen = server.load("--seconds", "2", "--connections", "10", "--stream-size", "300000", "--newer")
        assert (seen["wrong"], seen["lost"], seen["errors"], seen["examples"]) == (0, 0, 0, [])
        assert seen["requests"] > 1000
        assert seen["transfers"] > 200
        assert server.stop() == 0
        log = server.log.read_text()
        assert "Sanitizer" not in log, log
        assert "runtime error" not in log, log


def uploaded(root: Path) -> list[Path]:
    """Return the client's files, without a look into the directory that it makes and removes all the time."""
    return [*root.glob("c*/f*"), *root.glob("c*/d*/f*")]


@pytest.mark.parametrize("version", VERSIONS)
def test_client_reports_what_is_wrong(version: str, folder: Path, root: Path) -> None:
    with ftpd(version, folder, root) as server:
        port = str(server.port)
        with loading(CLIENT, "--port", port, "--connections", "1", "--streams", "0", "--brief", "0") as load:
            for path in uploaded(root):
                path.write_bytes(b"other")
            wait_until(lambda: load.seen["wrong"] + load.seen["errors"] > 0)
            assert load.seen["examples"]


def test_client_reports_what_is_lost(folder: Path, root: Path) -> None:
    with ftpd("v1", folder, root) as server:
        port = str(server.port)
        with loading(CLIENT, "--port", port, "--connections", "2", "--streams", "0", "--brief", "0") as load:
            load.wait_for("transfers", 200)
            for path in uploaded(root):
                path.unlink(missing_ok=True)
            assert load.finish()["lost"] > 0


def test_client_goes_on_after_lost_connections(folder: Path, root: Path) -> None:
    with ftpd("v1", folder, root) as server:
        arguments = ("--port", str(server.port), "--connections", "3", "--brief", "0", "--streams", "0")
        with loading(CLIENT, *arguments, "--reconnect", "60") as load:
            load.wait_for("requests", 100)
            for pid in children(server.process.pid):
                os.kill(pid, 9)
            load.wait_for("reconnects", 3)
            load.wait_for_more()
            seen = load.finish()
    assert (seen["lost_connections"], seen["reconnects"], seen["wrong"]) == (3, 3, 0)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_transfer_that_is_cut_short_is_noticed(version: str, folder: Path, root: Path) -> None:
    (root / "large").write_bytes(b"x" * 1000000)
    with ftpd(version, folder, root, "--rate-kb", "64") as server, Session(server.port) as session:
        with session.transfer("RETR large", "150 large comes, 1000000 bytes.") as data:
            assert data.recv(1000)
        assert session.reply() in ("426 The transfer failed.", "426 The transfer was ended.")
        assert session.ask("NOOP") == "200 Done."


@pytest.mark.parametrize("version", VERSIONS)
def test_a_large_transfer_keeps_to_its_rate_and_is_right(version: str, folder: Path, root: Path) -> None:
    content = os.urandom(200000)
    (root / "large").write_bytes(content)
    with ftpd(version, folder, root, "--rate-kb", "200", "--burst-kb", "16") as server:
        with Session(server.port) as session, Session(server.port) as other:
            with session.transfer("RETR large", "150 large comes, 200000 bytes.") as data:
                received = data.recv(1000)
                assert other.ask("NOOP") == "200 Done."  # others are served meanwhile
                while piece := data.recv(65536):
                    received += piece
            assert received == content
            assert session.reply() == "226 The transfer is complete."
            with session.transfer("STOR copy", "150 Send copy.") as data:
                data.sendall(content)
            assert session.reply() == "226 The transfer is complete."
        assert (root / "copy").read_bytes() == content


@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_outside_of_the_root_is_reached(version: str, folder: Path, root: Path) -> None:
    (root.parent / "secret").write_text("secret")
    (root / "way-out").symlink_to(root.parent)
    (root / "link").symlink_to(root.parent / "secret")
    with ftpd(version, folder, root) as server, Session(server.port) as session:
        for path in ("../secret", "/../secret", "way-out/secret", "link", "x/../../secret"):
            assert session.ask(f"RETR {path}").startswith("550 ")
            assert session.ask(f"DELE way-out/{path}").startswith("550 ")
        assert session.ask("CWD way-out").startswith("550 ")
        assert session.ask("CWD ../..") == "250 Done."
        assert session.ask("PWD").startswith('257 "/" ')
    assert (root.parent / "secret").read_text() == "secret"


@pytest.mark.parametrize("version", VERSIONS)
def test_who_does_not_log_in_gets_nothing(version: str, folder: Path, root: Path) -> None:
    with ftpd(version, folder, root, "--password", "right") as server:
        answers = server.talk(
            b"PASS x\r\nPWD\r\nUSER u\r\nPASS wrong\r\nPWD\r\nUSER u\r\nPASS right\r\nPWD\r\nQUIT\r\n"
        )
    codes = [line[:3] for line in answers.decode().splitlines()]
    assert codes == ["220", "503", "530", "331", "530", "530", "331", "230", "257", "221"]


@pytest.mark.parametrize("version", VERSIONS)
def test_sessions_end_with_their_clients_and_leave_nothing(version: str, folder: Path, root: Path) -> None:
    with ftpd(version, folder, root, "--sessions", "2") as server:
        with Session(server.port), Session(server.port):
            assert len(children(server.process.pid)) == 2
            assert server.talk(b"") == b"421 Too many sessions, try later.\r\n"
        wait_until(lambda: not children(server.process.pid))
        with Session(server.port) as session:
            assert session.ask("NOOP") == "200 Done."
            assert server.stop() == 0
            assert session.rest() == ""


@pytest.mark.parametrize("version", VERSIONS)
def test_an_idle_session_ends(version: str, folder: Path, root: Path) -> None:
    with ftpd(version, folder, root, "--idle-seconds", "1") as server, Session(server.port) as session:
        said = session.rest()
        assert said == ("" if version == "v1" else "421 Nothing was said for 1 seconds.\r\n")


@pytest.mark.parametrize("version", VERSIONS)
def test_faults_of_the_first_version_are_fixed(version: str, folder: Path, root: Path) -> None:
    first = version == "v1"
    (root / "f").write_bytes(b"0123456789")
    with ftpd(version, folder, root) as server, Session(server.port) as session:
        assert session.ask('MKD a"b') == ('257 "/a"b" was made.' if first else '257 "/a""b" was made.')
        assert session.ask('SIZE a"b').startswith("213 " if first else "550 ")
        session.ask("REST 4")
        assert session.ask("RETR none").startswith("550 ")
        with session.transfer("RETR f", f"150 f comes, {6 if first else 10} bytes.") as data:
            assert data.recv(100) == (b"456789" if first else b"0123456789")
        session.reply()
        session.ask("REST 11")
        assert session.ask("RETR f")[:3] == ("425" if first else "554")


@pytest.mark.parametrize("version", VERSIONS)
def test_later_versions_know_more(version: str, folder: Path, root: Path) -> None:
    (root / "f").write_bytes(b"0123456789")
    (root / ".hidden").write_bytes(b"")
    with ftpd(version, folder, root) as server, Session(server.port) as session:
        for command, first in (("XCRC f", "v2"), ("MLST f", "v2")):
            assert (session.ask(command) == "500 Unknown command.") == (version < first)
        if version > "v1":
            assert session.ask("XCRC f") == f"250 {zlib.crc32(b'0123456789'):08X}"
            assert re.fullmatch(r"250-Facts:\r\n type=file;size=10;modify=\d{14}; /f\r\n250 End", session.ask("MLST f"))
        for command, shown in (("NLST", version < "v3"), ("NLST -a", True)):
            with session.transfer(command, "150 The listing comes.") as data:
                assert data.makefile().read().split() == [".hidden", "f"][not shown :]
            session.reply()
        status = session.ask("STAT")
        assert f"ftpd 1.{int(version[1:]) - 1}" in status
        assert ("Transfers: 2" in status) == (version > "v1")
        assert ("Moved: 15 bytes" in status) == (version == "v3")


@needs("curl")
def test_curl_uploads_lists_and_downloads(folder: Path, root: Path, tmp_path: Path) -> None:
    content = os.urandom(50000)
    (tmp_path / "up").write_bytes(content)
    with ftpd("v3", folder, root) as server:
        url = f"ftp://127.0.0.1:{server.port}"
        done = run("curl", "-sS", "--ftp-create-dirs", "-T", "up", f"{url}/a/b/file", cwd=tmp_path)
        assert done.code == 0, done.err
        assert (root / "a/b/file").read_bytes() == content
        done = run("curl", "-sS", "-o", "down", f"{url}/a/b/file", cwd=tmp_path)
        assert (done.code, (tmp_path / "down").read_bytes()) == (0, content), done.err
        done = run("curl", "-sS", f"{url}/a/b/", cwd=tmp_path)
        assert re.search(r"^-rw\S+ +1 ftp ftp +50000 .* file", done.out), done


@pytest.mark.parametrize("version", VERSIONS)
def test_long_lines_and_odd_bytes_do_no_harm(version: str, folder: Path, root: Path) -> None:
    with ftpd(version, folder, root) as server:
        answers = server.talk(b"x" * 10000 + b"\r\nNOOP\r\n\xff\xf1NO\xff\xf1OP\r\n\0\r\nQUIT\r\n")
        assert b"500 The line is too long.\r\n" in answers
        assert answers.count(b"200 Done.\r\n") == 2
        assert answers.endswith(b"221 Goodbye.\r\n")
        with socket.create_connection(("127.0.0.1", server.port), 60) as connection:
            connection.sendall(os.urandom(5000))
        assert server.talk(b"NOOP\r\nQUIT\r\n").endswith(b"200 Done.\r\n221 Goodbye.\r\n")
        assert "Sanitizer" not in server.log.read_text()
