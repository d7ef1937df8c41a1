"""Consecutive releases of a real server: what changed is what other tools tell apart, nothing missed, nothing made up.

pahole prints each type of an executable with its layout, gdb its functions and variables with their types; what two
executables' lists do not share is the truth that the comparison of the sources is held to.
"""

import json
import re
import subprocess
import sys
import tarfile
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support import ROOT, needs, patchkit

pytestmark = [pytest.mark.campaign, needs("pahole", "gdb")]

RELEASES = ("2.0.20", "2.0.21", "2.0.22", "2.0.24", "2.0.26", "2.0.30")
_BUILD = ("env", "CPUCOUNT=2", "CFLAGS=-g -Wno-error", sys.executable, "uwsgiconfig.py", "--build", "core")
_LAYOUT_NOTE = re.compile(r"/\* (?:size|XXX|sum|last|bit|padding|paddings|forced|---).*?\*/")
_DECLARED = re.compile(r"^\d+:\s+(?:static )?(?P<text>.*);$", re.M)
_FUNCTION = re.compile(r"(\w+)\((?!\*)")
_VARIABLE = re.compile(r"\(\*(\w+)|(\w+)(?:\[[^]]*\])*$")

Told = dict[str, set[str]]


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The releases, each built and recorded."""
    folder = tmp_path_factory.mktemp("uwsgi")
    return {release: _recorded(release, folder) for release in RELEASES}


@pytest.mark.parametrize(("old", "new"), [*pairwise(RELEASES), (RELEASES[0], RELEASES[-1])])
def test_what_changed_is_what_pahole_and_gdb_tell_apart(trees: dict[str, Path], old: str, new: str) -> None:
    done = patchkit("diff", str(trees[old]), str(trees[new]), "--format", "json", cwd=trees[old])
    assert done.code == 0, done.err
    changes = json.loads(done.out)["changes"]

    def changed(subject: str, *kinds: str) -> set[str]:
        return {
            (change["new_key"] or change["old_key"]).split(":")[-1]
            for change in changes
            if change["subject"] == subject and (not kinds or change["kind"] in kinds)
        }

    assert changed("type") == _differing(_types(trees[old]), _types(trees[new]))
    assert changed("function", "F04") == _differing(*(_listed(trees[each], "functions") for each in (old, new)))
    assert changed("variable") >= _differing(*(_listed(trees[each], "variables") for each in (old, new)))


def _recorded(release: str, folder: Path) -> Path:
    kept = ROOT / "corpora/.fetched/uwsgi"
    archive = next(kept.glob(f"*-{release}.tar.gz"), None)
    if archive is None:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        done = subprocess.run(
            [*command, "--dest", str(kept), f"uwsgi=={release}"], check=False, capture_output=True, text=True
        )
        archive = next(kept.glob(f"*-{release}.tar.gz"), None)
        if archive is None:
            pytest.skip(f"uwsgi {release} is not to be had: {done.stderr.strip()[-200:]}")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    tree = next(folder.glob(f"*-{release}"))
    recorded = patchkit("record", "--", *_BUILD, cwd=tree)
    assert recorded.code == 0, recorded.err[-2000:]
    return tree


def _differing(old: Told, new: Told) -> set[str]:
    return {name for name in old.keys() & new.keys() if old[name] != new[name]}


def _types(tree: Path) -> Told:
    """Return what pahole prints of each struct and union, without its remarks on the layout."""
    done = subprocess.run(["pahole", "uwsgi"], check=True, capture_output=True, text=True, cwd=tree)
    told: Told = {}
    for match in re.finditer(r"^((?:struct|union) \w+) \{$(.*?)^\}(.*?);", done.stdout, re.M | re.S):
        text = " ".join(_LAYOUT_NOTE.sub("", match[2]).split())
        told.setdefault(match[1], set()).add(text + match[3])
    return told


def _listed(tree: Path, what: str) -> Told:
    """Return the declarations, functions or variables, that gdb lists, by name."""
    command = ["gdb", "-nx", "-batch", "-ex", f"info {what} -n", "uwsgi"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tree)
    told: Told = {}
    for match in _DECLARED.finditer(done.stdout):
        name = (_FUNCTION if what == "functions" else _VARIABLE).search(match["text"])
        if name:
            told.setdefault(next(filter(None, name.groups())), set()).add(match["text"])
    return told
