"""Servers of `corpora/programs` that listen on a TCP port of their own choice: started, talked to and stopped."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import run, wait_until


@dataclass(frozen=True, slots=True)
class TcpServer:
    """A running server."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path
    client: Path  # the program that loads it

    def talk(self, data: bytes) -> bytes:
        """Send bytes and the end of the input; return everything the server answers."""
        with socket.create_connection(("127.0.0.1", self.port), 60) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            received = b""
            while piece := connection.recv(65536):
                received += piece
            return received

    def load(self, *arguments: str) -> dict[str, Any]:
        """Run the load client against it and return what it saw."""
        done = run(sys.executable, str(self.client), "--port", str(self.port), *arguments, cwd=self.log.parent)
        result: dict[str, Any] = json.loads(done.out)
        return result

    def stop(self) -> int:
        """Ask it to end, as an init system does, and return its exit code."""
        self.process.terminate()
        return self.process.wait(60)


@contextmanager
def serving(binary: Path, client: Path, folder: Path, *options: str) -> Iterator[TcpServer]:
    """Start `binary` on any free port, wait until it has told which, and end it afterwards."""
    log, port_file = folder / f"{binary.name}.log", folder / f"{binary.name}.port"
    port_file.unlink(missing_ok=True)
    command = [str(binary), "--port", "0", "--port-file", str(port_file), *options]
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder)
    try:
        wait_until(lambda: process.poll() is not None or port_file.exists())
        assert process.poll() is None, log.read_text()
        yield TcpServer(process, int(port_file.read_text()), log, client)
    finally:
        process.kill()
        process.wait()
