"""What tests of several packages share."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PATCHKIT = (sys.executable, "-m", "patchkit")

_PACKAGES = {
    "abidiff": "abigail-tools",
    "dpkg-source": "dpkg-dev",
    "ninja": "ninja-build",
}


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skip a test where one of `programs` is missing, saying which Debian package has it."""
    missing = [program for program in programs if shutil.which(program) is None]
    packages = ", ".join(_PACKAGES.get(program, program) for program in missing)
    return pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)} (Debian: {packages})")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command ended with and wrote."""

    code: int
    out: str
    err: str


def patchkit(*arguments: str, cwd: Path, environ: Mapping[str, str] | None = None, stdin: str = "") -> Outcome:
    """Run the real command in a process of its own; `environ` is added to the environment."""
    return run(*PATCHKIT, *arguments, cwd=cwd, environ=environ, stdin=stdin)


def run(*command: str, cwd: Path, environ: Mapping[str, str] | None = None, stdin: str = "") -> Outcome:
    """Run any command in `cwd` and return how it ended, whatever that is."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(environ or {})},
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def write_tree(root: Path, files: Mapping[str, str]) -> Path:
    """Write `files`, from relative path to content, below `root` and return it."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root


def wait_until(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    """Return as soon as `condition` holds; fail the test where it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"did not happen within {seconds} s"
        time.sleep(0.01)
