"""Chains of versions in `corpora/programs` that differ in code alone: built, recorded and compared as a user would."""

import json
import shutil
from pathlib import Path
from typing import Any

from tests.support import ROOT, Outcome, patchkit, run

PROGRAMS = ROOT / "corpora/programs"
CHAINS = {
    "kvd": ("v1", "v1.1", "v1.2", "v1.3", "v1.4", "v1.5"),
    "cached": ("v1", "v2", "v3", "v4"),
    "ftpd": ("v1", "v2", "v3"),
}
# Live types change; the updates are in the program's own folder.
AUTHORED = {"kvd": ("v1", "v2", "v3"), "cached": ("v4", "v5"), "ftpd": ("v3", "v4")}
SANITIZED = "-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined"


def copy_source(program: str, version: str, folder: Path) -> Path:
    """Copy one version's source to `folder`/version, without anything that was built."""
    built = shutil.ignore_patterns("*.o", program, ".patchkit")
    return Path(shutil.copytree(PROGRAMS / program / version, folder / version, ignore=built))


def make(source: Path, *, flags: str = "-O2 -g", compiler: str = "cc") -> Outcome:
    """Build what `copy_source` returned. MAKEFLAGS of an outer make would only disturb."""
    return run("make", f"CC={compiler}", f"CFLAGS={flags}", cwd=source, environ={"MAKEFLAGS": ""})


def built(program: str, version: str, folder: Path, *, flags: str = SANITIZED) -> Path:
    """Return the executable of a version, built in `folder` if it is not there yet."""
    binary = folder / version / program
    if not binary.exists():
        done = make(copy_source(program, version, folder), flags=flags)
        assert done.code == 0, done.err
    return binary


def recorded(program: str, version: str, folder: Path) -> Path:
    """Return the source directory of a version that was built under the recorder in `folder`."""
    source = folder / version
    if not source.exists():
        copy_source(program, version, folder)
        done = patchkit("record", "--", "make", cwd=source, environ={"MAKEFLAGS": ""})
        assert done.code == 0, done.err
    return source


def changes(old: Path, new: Path) -> list[dict[str, Any]]:
    """Return what `patchkit diff` says of two recorded versions; it has to have seen everything."""
    done = patchkit("diff", str(old), str(new), "--format", "json", cwd=old.parent)
    assert done.code == 0, done.err
    report: dict[str, Any] = json.loads(done.out)
    assert report["complete"]
    found: list[dict[str, Any]] = report["changes"]
    return found
