"""Servers of the corpus that are loaded while they are brought through the versions of a chain."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpora.programs.loading import Load, loading
from tests.support import Outcome, kvd, servers
from tests.support.chains import PROGRAMS
from tests.support.live import Chain, ask, runtime_preloaded

FAULTS = ("wrong", "lost", "errors", "lost_connections", "reconnects")


@dataclass(frozen=True, slots=True)
class Walk:
    """A server at the first version of its chain, with the runtime in it, and the client that loads it.

    What is asked of a server that forks is asked of its children too.
    """

    chain: Chain
    pid: int
    load: Load
    folder: Path

    def ask(self, word: str, *more: str | Path) -> Outcome:
        """Run a command that changes the server."""
        tree = ("--tree",) if self.chain.program == "ftpd" else ()
        return ask(word, self.pid, *more, *tree, cwd=self.folder)

    def status(self) -> dict[str, Any]:
        """Return what `patchkit status` says."""
        done = ask("status", self.pid, "--json", cwd=self.folder)
        assert done.code == 0, done.err
        facts: dict[str, Any] = json.loads(done.out)
        return facts

    def finish(self) -> dict[str, Any]:
        """Return what the load client saw; it has to be flawless."""
        seen = self.load.finish()
        assert {name: seen[name] for name in FAULTS} == dict.fromkeys(FAULTS, 0), seen
        return seen


@contextmanager
def walking(chain: Chain, folder: Path, cache: Path, *options: str) -> Iterator[Walk]:
    """Start the first version in `folder` under full load; `options` are the server's. End both afterwards."""
    client = PROGRAMS / chain.program / "client.py"
    with (
        runtime_preloaded(cache),
        _started(chain, client, folder, options) as (pid, where),
        loading(client, *where) as load,
    ):
        yield Walk(chain, pid, load, folder)


@contextmanager
def _started(
    chain: Chain, client: Path, folder: Path, options: tuple[str, ...]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    if chain.program == "kvd":
        with kvd.serving(chain.binary, folder, *options) as one:
            yield one.process.pid, ("--unixsocket", one.path)
        return
    if chain.program == "ftpd":
        root = folder / "root"
        root.mkdir(exist_ok=True)
        options = ("--root", str(root), *options)
    else:
        options = ("--threads", "4", *options)
    with servers.serving(chain.binary, client, folder, *options) as server:
        yield server.process.pid, ("--port", str(server.port))
