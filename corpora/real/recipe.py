"""Recipes: how a program of the distribution is built, started, loaded and checked, and which of its updates are tried.

A recipe is a TOML file beside this one. Versions are what the source package's patches make: version 5 is what upstream
wrote with the first five patches of the series.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REAL = Path(__file__).resolve().parent
UPDATES = REAL / "updates"


@dataclass(frozen=True, slots=True)
class Chain:
    """Versions that a process goes through, one after the other, the first of which is started."""

    name: str
    versions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """One program.

    `build` is a shell command. In the other commands, and in the `files` that are written before the start, `{tree}`,
    `{place}`, `{port}` and `{corpora}` stand for the built source, a directory for sockets and data, a free port, and
    this project's corpora. `ready` is a file that exists once the program serves, or `port`. `client` checks each
    answer and prints what it saw as lines of JSON (corpora/programs/load.py). `load` is the load tool that people use,
    run beside it; `exercise` are commands run between updates, each of which has to succeed. `proofs` are commands by
    the version from which on they succeed, since it has a fix: what an update fixes has to be fixed in the process.
    `tree` says that the program is several processes, which are updated together.
    """

    name: str
    package: str
    build: str
    program: str
    start: str
    ready: str
    client: str
    load: str
    exercise: tuple[str, ...]
    files: Mapping[str, str]
    proofs: Mapping[int, str]
    tree: bool
    chains: tuple[Chain, ...]

    def updates(self, old: int, new: int) -> Path:
        """Return the directory in which the update from one version to another is kept, if anything had to be said."""
        return UPDATES / self.name / f"{old:02d}--{new:02d}"


def load_recipe(name: str) -> Recipe:
    """Return the recipe of a program. Raises FileNotFoundError for one that has none."""
    data = tomllib.loads((REAL / f"{name}.toml").read_text(encoding="utf-8"))
    chains = tuple(Chain(key, tuple(versions)) for key, versions in data.pop("chains").items())
    proofs = {int(version): command for version, command in data.pop("proofs", {}).items()}
    given = {"load": "", "exercise": [], "files": {}, "package": name, "tree": False, **data}
    return Recipe(name=name, proofs=proofs, chains=chains, **{**given, "exercise": tuple(given["exercise"])})


def names() -> list[str]:
    """Return the programs that have a recipe."""
    return sorted(path.stem for path in REAL.glob("*.toml"))
