"""Two readers of one program agree: what the source says, and what the compiler wrote down of it."""

from pathlib import Path

import pytest

from tests.support import kvd, needs, pairs
from tests.support.agreement import agreed
from tests.support.builds import record

SAMPLE = pairs.NAMES[::10]  # `make campaign` takes all of them


@needs("make", "clang", "readelf")
@pytest.mark.parametrize(("compiler", "flags"), [("gcc", "-O0 -g"), ("gcc", "-O2 -g"), ("clang", "-O0 -g")])
@pytest.mark.parametrize("version", kvd.VERSIONS)
def test_both_readers_say_the_same_of_a_server(tmp_path: Path, version: str, compiler: str, flags: str) -> None:
    root = kvd.copy_source(version, tmp_path)
    recording = record(root, "make", f"CC={compiler}", f"CFLAGS={flags}", environ={"MAKEFLAGS": ""})
    assert len(agreed(recording, "kvd").functions) > 100


def _compare(name: str, side: str, folder: Path) -> None:
    pair = pairs.load(name)
    root = pair.stage(side, folder)
    sources = sorted(str(path.relative_to(root)) for path in root.rglob("*.c"))
    flags = ("-O0", "-g", "-pthread", "-D_GNU_SOURCE", "-I.", *pair.flags(side))
    agreed(record(root, "gcc", *flags, "-o", "program", *sources), "program")


@needs("readelf")
@pytest.mark.parametrize("side", pairs.SIDES)
@pytest.mark.parametrize("name", SAMPLE)
def test_both_readers_say_the_same_of_every_kind_of_change(tmp_path: Path, name: str, side: str) -> None:
    _compare(name, side, tmp_path)


@pytest.mark.campaign
@needs("readelf")
@pytest.mark.parametrize("side", pairs.SIDES)
@pytest.mark.parametrize("name", [name for name in pairs.NAMES if name not in SAMPLE])
def test_both_readers_say_the_same_of_all_other_pairs(tmp_path: Path, name: str, side: str) -> None:
    _compare(name, side, tmp_path)
