"""Checks of an update before it goes near a process, from cheap to dear. Each is a level, and can be run alone."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from patchkit.errors import ToolError
from patchkit.model.decision import Plan

COMPILERS = ("gcc", "clang", "cc")
_FLAGS = ("-std=gnu11", "-O1", "-fsyntax-only", "-Wall", "-Wextra", "-Wconversion")
_MESSAGE = re.compile(r"^(?P<file>[^:\n]+):(?P<line>\d+):\d+: (?:fatal )?(?:error|warning): (?P<text>[^\n]*)", re.M)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with an update: the level that found it, a rule, where, and what to do."""

    level: int
    rule: str
    file: str
    line: int
    text: str
    hint: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked: the plan, the C sources, and where their headers are."""

    plan: Plan
    sources: tuple[Path, ...]
    include: tuple[Path, ...]


def validate(subject: Subject, levels: Sequence[int], environ: Mapping[str, str]) -> list[Finding]:
    """Return what the checks of `levels` find. Raises ToolError where there is no compiler."""
    return [finding for level in levels for finding in CHECKS[level](subject, environ)]


def _compiles(subject: Subject, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Level 1: the C of the update compiles against the layouts of both versions, and no compiler has a doubt."""
    found = [path for name in COMPILERS if (path := shutil.which(name, path=environ.get("PATH")))]
    if not found:
        raise ToolError("no C compiler was found", hint="install gcc or clang")
    include = [f"-I{folder}" for folder in subject.include]
    seen = set[tuple[str, int, str]]()
    for compiler in found:
        for source in subject.sources:
            done = subprocess.run(
                [compiler, *_FLAGS, *include, str(source)], check=False, capture_output=True, text=True, env=environ
            )
            for match in _MESSAGE.finditer(done.stderr):
                row = match["file"], int(match["line"]), match["text"]
                if row not in seen:
                    seen.add(row)
                    yield Finding(1, "PKX603", *row, f"{Path(compiler).name} says so; correct it in transform.c")
            if done.returncode != 0 and not seen:
                text = done.stderr.strip().splitlines()[-1:] or ["it ended without a word"]
                yield Finding(1, "PKX603", str(source), 0, text[0], f"run {Path(compiler).name} on it")


def _complete(subject: Subject, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Level 2: nothing is open, and nothing was decided for what has changed since."""
    del environ
    for item in subject.plan.open:
        text = f"{item.key} is {item.state}: {item.question}" if item.question else f"{item.key} is {item.state}"
        yield Finding(2, item.state.rule, "update.toml", 0, text, f'patchkit decide "{item.key}" VALUE --reason ...')


CHECKS: Mapping[int, Callable[[Subject, Mapping[str, str]], Iterator[Finding]]] = {1: _compiles, 2: _complete}
NAMES = {1: "compiles without a warning against both layouts", 2: "nothing is open or stale"}
