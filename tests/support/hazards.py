"""The programs in tests/live/programs as recorded pairs of versions, which differ in what their `version` says."""

import json
import os
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT, Outcome, patchkit, wait_until
from tests.support.small import Running, bundle, record_program, running

PROGRAMS = ROOT / "tests/live/programs"


@dataclass(frozen=True, slots=True)
class Versions:
    """Recorded versions of one program below `folder`, and the bundles from each to the next."""

    folder: Path
    bundles: tuple[Path, ...]

    @contextmanager
    def running(self, *options: str, version: int = 1, through: Sequence[str] = ()) -> Iterator[Running]:
        """Start one of the versions with the runtime in it, as `small.running`."""
        with running(self.folder / f"v{version}/server", cache(), *options, through=through) as server:
            yield server


@contextmanager
def shared_cache(factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let what a module's fixture makes in the block lie in the cache that the tests use."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHKIT_CACHE", str(factory.getbasetemp() / "cache"))
        yield


def cache() -> Path:
    """Where the runtime is built."""
    return Path(os.environ["PATCHKIT_CACHE"])


def make_versions(folder: Path, source: str, count: int = 2, *, settings: str = "", flags: str = "") -> Versions:
    """Record `count` versions of `source`, as `record_versions`."""
    return record_versions(folder, [source] * count, settings=settings, flags=flags)


def record_versions(folder: Path, sources: Sequence[str], *, settings: str = "", flags: str = "") -> Versions:
    """Record versions, in each of which VERSION is its number, with `settings` as patchkit.toml."""
    bundles = []
    for number, source in enumerate(sources, 1):
        place = folder / f"v{number}"
        record_program(place, {"server.c": source.replace("VERSION", f"v{number}")}, flags=flags)
        if settings:
            (place / "patchkit.toml").write_text(settings, encoding="utf-8")
        if number > 1:
            bundles.append(folder / f"v{number}.pkb")
            done = bundle(folder / f"v{number - 1}", place, bundles[-1])
            assert done.code == 0, done.err
    return Versions(folder, tuple(bundles))


def source_of(name: str) -> str:
    """Return the text of a program in tests/live/programs."""
    return (PROGRAMS / name).read_text(encoding="utf-8")


def ask(word: str, pid: int, *options: str | Path) -> Outcome:
    """Run a command that asks process `pid`."""
    return patchkit(word, str(pid), *(str(option) for option in options), cwd=ROOT)


def status(pid: int) -> dict[str, Any]:
    """Return what `patchkit status` says of process `pid`."""
    done = ask("status", pid, "--json")
    assert done.code == 0, done.err
    facts: dict[str, Any] = json.loads(done.out)
    return facts


def updated(server: Running | int, path: Path, *options: str) -> None:
    """Apply the bundle at `path`; the process must take it."""
    done = ask("apply", server if isinstance(server, int) else server.pid, path, *options)
    assert done.code == 0, done.err


@contextmanager
def limited(pid: int, what: int, soft: int) -> Iterator[None]:
    """Set a limit of process `pid` from outside, one of `resource`'s, while the block runs."""
    before = resource.prlimit(pid, what)
    resource.prlimit(pid, what, (soft, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, what, before)


def said(server: Running, words: str) -> str:
    """Tell the program something and return the line that it answers."""
    seen = len(server.lines())
    server.send(f"{words}\n")
    wait_until(lambda: len(server.lines()) > seen or not server.alive(), seconds=20)
    assert server.alive(), server.lines()[-5:]
    return server.lines()[seen]
