"""Levels 1 and 2: what can be said of an update without running anything of it."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from patchkit.errors import ToolError
from patchkit.validate.findings import Finding, Subject

COMPILERS = ("gcc", "clang", "cc")
_FLAGS = ("-std=gnu11", "-O1", "-fsyntax-only", "-Wall", "-Wextra", "-Wconversion")
_MESSAGE = re.compile(r"^(?P<file>[^:\n]+):(?P<line>\d+):\d+: (?:fatal )?(?:error|warning): (?P<text>[^\n]*)", re.M)


def compiles(subject: Subject) -> Iterator[Finding]:
    """Level 1: the C of the update compiles against the layouts of both versions, and no compiler has a doubt."""
    found = [path for name in COMPILERS if (path := shutil.which(name, path=subject.environ.get("PATH")))]
    if not found:
        raise ToolError("no C compiler was found", hint="install gcc or clang")
    include = [f"-I{folder}" for folder in subject.include]
    seen = set[tuple[str, int, str]]()
    for compiler in found:
        for source in subject.sources:
            done = subprocess.run(
                [compiler, *_FLAGS, *include, str(source)],
                check=False,
                capture_output=True,
                text=True,
                env=subject.environ,
            )
            for match in _MESSAGE.finditer(done.stderr):
                row = match["file"], int(match["line"]), match["text"]
                if row not in seen:
                    seen.add(row)
                    yield Finding(1, "PKX603", *row, f"{Path(compiler).name} says so; correct it in {source.name}")
            if done.returncode != 0 and not seen:
                text = done.stderr.strip().splitlines()[-1:] or ["it ended without a word"]
                yield Finding(1, "PKX603", str(source), 0, text[0], f"run {Path(compiler).name} on it")


def complete(subject: Subject) -> Iterator[Finding]:
    """Level 2: nothing is open, and nothing was decided for what has changed since."""
    for item in subject.plan.open:
        text = f"{item.key} is {item.state}: {item.question}" if item.question else f"{item.key} is {item.state}"
        yield Finding(
            2, item.state.rule, "update.toml", 0, text, f'patchkit decide "{subject.key(item.key)}" VALUE --reason ...'
        )
