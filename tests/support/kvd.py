"""The kvd servers of `corpora/programs`: built in a folder of the test's own, started, talked to and stopped."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import ROOT, Outcome, run, wait_until

FOLDER = ROOT / "corpora/programs/kvd"
CLIENT = FOLDER / "client.py"
VERSIONS = ("v1", "v2", "v3")  # types change from one to the next
RELEASES = ("v1", "v1.1", "v1.2", "v1.3", "v1.4", "v1.5")  # code alone changes


def copy_source(version: str, folder: Path) -> Path:
    """Copy one version's source to `folder`/version, without anything that was built."""
    built = shutil.ignore_patterns("*.o", "kvd")
    return Path(shutil.copytree(FOLDER / version, folder / version, ignore=built))


def make(source: Path, *, flags: str = "-O1 -g", compiler: str = "cc") -> Outcome:
    """Build what `copy_source` returned. MAKEFLAGS of an outer make would only disturb."""
    return run("make", f"CC={compiler}", f"CFLAGS={flags}", cwd=source, environ={"MAKEFLAGS": ""})


@dataclass(frozen=True, slots=True)
class Server:
    """A running kvd."""

    process: "subprocess.Popen[bytes]"
    path: str  # of its Unix socket
    port: int
    log: Path

    def ask(self, *words: str | bytes) -> bytes:
        """Send one request on a connection of its own and return the raw reply up to the end of the connection."""
        data = [word if isinstance(word, bytes) else word.encode() for word in words]
        request = b"*%d\r\n" % len(data) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in data)
        return self.send(request + b"*1\r\n$4\r\nQUIT\r\n").removesuffix(b"+OK\r\n")

    def send(self, data: bytes) -> bytes:
        """Send bytes and return everything the server answers until it closes the connection."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(60)
            connection.connect(self.path)
            connection.sendall(data)
            received = b""
            while piece := connection.recv(65536):
                received += piece
            return received

    def load(self, *arguments: str) -> dict[str, Any]:
        """Run the load client against it and return what it saw."""
        done = run(sys.executable, str(CLIENT), "--unixsocket", self.path, *arguments, cwd=self.log.parent)
        result: dict[str, Any] = json.loads(done.out)
        return result

    def stop(self) -> int:
        """Ask it to end, as an init system does, and return its exit code."""
        self.process.terminate()
        return self.process.wait(60)


@contextmanager
def serving(binary: Path, folder: Path, *options: str) -> Iterator[Server]:
    """Start `binary` with its files in `folder`, wait until it listens, and end it afterwards.

    It listens on a free TCP port and on a Unix socket.
    """
    path, log, port = str(folder / "kvd.socket"), folder / "kvd.log", _free_port()
    command = [str(binary), "--dir", str(folder), "--unixsocket", path, "--port", str(port), *options]
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder)
    server = Server(process, path, port, log)
    try:
        wait_until(lambda: process.poll() is not None or _accepts(path))
        assert process.poll() is None, log.read_text()
        yield server
    finally:
        process.kill()
        process.wait()


def _accepts(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as attempt:
        return os.path.exists(path) and attempt.connect_ex(path) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
