#!/usr/bin/env python3
"""Load for an HTTP server that stores files: connections that are kept, every answer checked against a model.

Each connection owns the files under its own prefix: it puts, gets, deletes, asks for parts and for heads, and knows
what every answer has to be. Its last act gets every file back. One line of JSON says what was seen
(`corpora/programs/load.py`).
"""

import argparse
import http.client
import random
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from corpora.programs.load import Silence, Stop, Tally, add_arguments, finish, make_stop, reporting, summary

FILES = 20  # of each connection
LONGEST = 20_000  # bytes


class Runner(threading.Thread):
    """Plays on one connection until told to stop."""

    def __init__(self, options: argparse.Namespace, number: int, silence: Silence, stop: Stop) -> None:
        super().__init__(daemon=True)
        self.options = options
        self.silence = silence
        self.stop = stop
        self.tally = Tally()
        self.random = random.Random(options.seed + number)
        self.prefix = f"/put/{options.prefix}{number}"
        self.files: dict[str, bytes] = {}
        self.connection = self._connect()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.options.host, self.options.port, timeout=self.options.timeout)

    def run(self) -> None:
        while not self.stop(self.tally.requests):
            self._guarded(self._play)
        for name in list(self.files):
            self._guarded(lambda name=name: self._get(name, final=True))  # type: ignore[misc]
        self.connection.close()

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except (OSError, http.client.HTTPException) as problem:
            self.tally.lose_connection(problem)
            self.connection.close()
            self.connection = self._connect()
            self.tally.reconnects += 1
            time.sleep(0.02)

    def _play(self) -> None:
        name = f"{self.prefix}-{self.random.randrange(FILES)}"
        choice = self.random.random()
        if name not in self.files and choice < 0.5:
            self._expect("GET", name, 404, None)
        elif name not in self.files or choice < 0.2:
            content = self.random.randbytes(self.random.randrange(1, LONGEST))
            self._expect("PUT", name, 204 if name in self.files else 201, b"", body=content)
            self.files[name] = content
        elif choice < 0.25:
            self._expect("DELETE", name, 204, b"")
            del self.files[name]
        elif choice < 0.4:
            first = self.random.randrange(len(self.files[name]))
            part = self.files[name][first : first + 100]
            self._expect("GET", name, 206, part, headers={"Range": f"bytes={first}-{first + 99}"})
        elif choice < 0.5:
            self._expect("HEAD", name, 200, b"", length=len(self.files[name]))
        else:
            self._get(name, final=False)

    def _get(self, name: str, *, final: bool) -> None:
        self._expect("GET", name, 200, self.files[name], final=final)

    def _expect(
        self,
        method: str,
        name: str,
        status: int,
        content: bytes | None,
        *,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        length: int | None = None,
        final: bool = False,
    ) -> None:
        """Make a request and count whether its answer is the right one; `content` None may be anything."""
        begin = time.monotonic()
        self.connection.request(method, name, body, headers or {})
        answer = self.connection.getresponse()
        found = answer.read()
        self.tally.answered(begin, self.silence)
        told = length is None or answer.getheader("Content-Length") == str(length)
        if answer.status == status and content in (None, found) and told:
            return
        if final:
            self.tally.lost += 1
        else:
            self.tally.wrong += 1
        self.tally.note(f"{method} {name} -> {answer.status}, {len(found)} bytes")


def load(arguments: list[str] | None = None, event: threading.Event | None = None) -> dict[str, object]:
    """Play as the arguments say, or until `event`, and return what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser, port=80, connections=6, requests=1000)
    options = parser.parse_args(arguments)
    silence, stop, begin = Silence(), make_stop(options, event), time.monotonic()
    runners = [Runner(options, number, silence, stop) for number in range(options.connections)]

    def seen() -> dict[str, object]:
        return summary([runner.tally for runner in runners], silence, time.monotonic() - begin)

    with reporting(options.report, seen):
        for runner in runners:
            runner.start()
        for runner in runners:
            runner.join()
    return seen()


if __name__ == "__main__":
    sys.exit(finish(load()))
