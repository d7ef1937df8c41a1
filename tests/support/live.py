"""Programs of the corpus under `patchkit run`, and the commands that ask them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from patchkit.runtime import library
from tests.support import Outcome, patchkit
from tests.support.chains import AUTHORED, CHAINS, PROGRAMS, recorded


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain of recorded versions in `folder`, and the bundles from each to the next."""

    program: str
    folder: Path
    versions: tuple[str, ...]
    bundles: tuple[Path, ...]

    @property
    def binary(self) -> Path:
        """The first version's executable."""
        return self.folder / self.versions[0] / self.program


def make_chain(program: str, folder: Path) -> Chain:
    """Record every version of `program` in `folder` and make all bundles."""
    versions = CHAINS[program]
    bundles = []
    for old, new in pairwise(versions):
        path = folder / f"{old}--{new}.pkb"
        sides = recorded(program, old, folder), recorded(program, new, folder)
        done = patchkit("bundle", str(sides[0]), str(sides[1]), "-o", str(path), cwd=folder)
        assert done.code == 0, done.err
        bundles.append(path)
    return Chain(program, folder, versions, tuple(bundles))


def make_authored_chain(program: str, folder: Path) -> Chain:
    """Record the versions of `program` between which types change, and make bundles of its authored updates."""
    versions = AUTHORED[program]
    for version in versions:
        recorded(program, version, folder)
    shutil.copytree(PROGRAMS / program / "updates", folder / "updates")
    bundles = tuple(_authored_bundle(folder, old, new) for old, new in pairwise(versions))
    return Chain(program, folder, versions, bundles)


def _authored_bundle(folder: Path, old: str, new: str) -> Path:
    update, output = folder / "updates" / f"{old}--{new}", folder / f"{old}--{new}.pkb"
    for command in ("plan", "validate"):
        done = patchkit(command, str(update), cwd=folder)
        assert done.code == 0, done.out + done.err
    done = patchkit("bundle", old, new, "--update", str(update), "-o", str(output), cwd=folder)
    assert done.code == 0, done.err
    return output


@contextmanager
def runtime_preloaded(cache: Path) -> Iterator[None]:
    """Let programs that are started in the block hold the runtime, as under `patchkit run`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LD_PRELOAD", str(library(cache)))
        yield


def ask(*words: str | int | Path, cwd: Path) -> Outcome:
    """Run a patchkit command that asks a process."""
    return patchkit(*(str(word) for word in words), cwd=cwd)
