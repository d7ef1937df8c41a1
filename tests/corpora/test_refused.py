"""What cannot be a version is refused with an error that names it: never with a pass, never with a traceback."""

import os
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT, patchkit

FOLDER = ROOT / "corpora/refused"
CASES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())


def expectation(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / name / "expect.toml").read_text(encoding="utf-8"))


def prepare(name: str, folder: Path) -> dict[str, Any]:
    """Copy a case to `folder` and make what is made at test time; skip where a tool for that is missing."""
    expected = expectation(name)
    missing = [program for program in expected.get("needs", ()) if shutil.which(program) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    shutil.copytree(FOLDER / name, folder, dirs_exist_ok=True)
    for command in expected.get("make", ()):
        done = subprocess.run(["sh", "-ec", command], cwd=folder, capture_output=True, encoding="utf-8", check=False)
        if done.returncode and "-m32" in command:
            pytest.skip(f"no compiler for 32 bits: {done.stderr.splitlines()[0]}")
        assert done.returncode == 0, done.stderr
    return expected


@pytest.mark.parametrize("name", CASES)
def test_expectation_is_well_formed(name: str) -> None:
    expected = expectation(name)
    assert set(expected) <= {"why", "error_contains", "exit", "old", "new", "make", "needs", "arguments"}
    assert expected["why"].endswith(".")
    assert expected["error_contains"]
    assert expected["exit"] in (1, 2, 3)


@pytest.mark.parametrize("name", CASES)
def test_input_is_refused(name: str, tmp_path: Path) -> None:
    expected = prepare(name, tmp_path)
    sides = (expected.get("old", "old"), expected.get("new", "new"))
    outside = {"GIT_CEILING_DIRECTORIES": os.fspath(tmp_path.parent)}
    done = patchkit("diff", *expected.get("arguments", ()), *sides, cwd=tmp_path, environ=outside)
    said = done.out + done.err
    assert done.code == expected["exit"], said
    assert "Traceback" not in said
    for text in expected["error_contains"]:
        assert text in said
    if done.code == 2:
        assert done.out == ""
        assert done.err.startswith("error: ") or "\nerror: " in done.err
