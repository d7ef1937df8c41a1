"""Successive versions of a chain differ in code alone, so that a live update has nothing but code to switch."""

from itertools import pairwise
from pathlib import Path

import pytest

from tests.support import needs
from tests.support.chains import CHAINS, PROGRAMS, changes, copy_source, make, recorded

TYPES = {"T28", "T30"}  # removed, added
VARIABLES = {"G01", "G03", "G05", "G08", "G09"}  # added, removed, constant table, moved or renamed, static local

VERSIONS = [
    pytest.param(program, version, id=f"{program}-{version}") for program in CHAINS for version in CHAINS[program]
]
PAIRS = [
    pytest.param(program, old, new, id=f"{program}-{old}--{new}")
    for program, chain in CHAINS.items()
    for old, new in pairwise(chain)
]


@pytest.mark.parametrize(
    "compiler", [pytest.param("gcc", marks=needs("gcc")), pytest.param("clang", marks=needs("clang"))]
)
@pytest.mark.parametrize(("program", "version"), VERSIONS)
def test_builds_without_warnings(program: str, version: str, compiler: str, tmp_path: Path) -> None:
    done = make(copy_source(program, version, tmp_path), compiler=compiler)
    assert (done.code, done.err) == (0, "")
    assert (tmp_path / version / program).exists()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the versions are built under the recorder, each once."""
    return tmp_path_factory.mktemp("chains")


@needs("gcc")
@pytest.mark.parametrize(("program", "old", "new"), PAIRS)
def test_no_type_changes(program: str, old: str, new: str, folder: Path) -> None:
    sources = [recorded(program, version, folder / program) for version in (old, new)]
    found = changes(*sources)
    for change in found:
        match change["subject"]:
            case "type":
                assert change["kind"] in TYPES, change
            case "variable":
                assert change["kind"] in VARIABLES, change
                both = change["old_key"] and change["new_key"]
                assert change["kind"] == "G05" or not both or change["old_size"] == change["new_size"], change
            case "build":
                raise AssertionError(change)
            case _:
                continue
        assert change["verdict"] in ("none", "auto"), change
    assert [change for change in found if change["subject"] == "function"]


@pytest.mark.parametrize(("program", "version"), VERSIONS)
def test_says_what_changed(program: str, version: str) -> None:
    text = (PROGRAMS / program / version / "CHANGES").read_text(encoding="utf-8")
    assert text.startswith(f"{program} ")
