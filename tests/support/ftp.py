"""Sessions with an ftpd server that a test leads by hand."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

TIMEOUT = 60.0  # seconds


def children(pid: int) -> list[int]:
    """Return the processes that `pid` has forked and that have not ended."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(word) for word in text.split()]


class Session:
    """A control connection that is logged in, in binary mode."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        self._input = self._socket.makefile("r", encoding="utf-8", newline="\r\n")
        self.greeting = self.reply()
        for line in ("USER test", "PASS test", "TYPE I"):
            self.ask(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._input.close()
        self._socket.close()

    def reply(self) -> str:
        """Read a reply, which may have several lines."""
        lines = [self._input.readline()]
        while lines[0][3:4] == "-" and lines[-1][:4] != lines[0][:3] + " ":
            lines.append(self._input.readline())
        return "".join(lines).removesuffix("\r\n")

    def send(self, line: str) -> None:
        """Send a command."""
        self._socket.sendall(line.encode() + b"\r\n")

    def ask(self, line: str) -> str:
        """Send a command and return its reply."""
        self.send(line)
        return self.reply()

    def rest(self) -> str:
        """Return everything up to the end of the connection."""
        return self._input.read()

    @contextmanager
    def transfer(self, line: str, begins: str) -> Iterator[socket.socket]:
        """Begin a transfer and give its data connection; the last reply is still to come."""
        port = int(self.ask("EPSV").split("|")[3])
        with socket.create_connection(("127.0.0.1", port), TIMEOUT) as data:
            assert self.ask(line) == begins
            yield data
