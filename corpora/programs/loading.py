"""Load clients that run beside a test or a measurement, in a process of their own, until they are told to stop."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_DEADLINE = 60.0  # seconds


class Load:
    """A client that runs; `seen` is what it reported last, several times a second."""

    def __init__(self, client: Path, arguments: tuple[str, ...]) -> None:
        command = [sys.executable, str(client), *arguments, "--until-stdin-closes", "--report", "0.1"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        self.seen: dict[str, Any] = {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.seen = json.loads(line)

    def wait_for(self, name: str, least: int) -> None:
        """Return as soon as the client has reported at least so many, for example `requests`."""
        end = time.monotonic() + _DEADLINE
        while self._process.poll() is None and self.seen.get(name, 0) < least and time.monotonic() < end:
            time.sleep(0.01)
        assert self.seen.get(name, 0) >= least, self.seen

    def wait_for_more(self, requests: int = 200) -> None:
        """Return as soon as so many more requests were answered."""
        self.wait_for("requests", self.seen.get("requests", 0) + requests)

    def finish(self) -> dict[str, Any]:
        """Tell it to stop and return all it saw."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(120)
        self._reader.join(60)
        return self.seen

    def kill(self) -> None:
        with self._process:
            self._process.kill()
        self._reader.join(60)


@contextmanager
def loading(client: Path, *arguments: str) -> Iterator[Load]:
    """Start a client and return when it has had its first answers; end it afterwards."""
    load = Load(client, arguments)
    try:
        load.wait_for("requests", 1)
        yield load
    finally:
        load.kill()
