"""Two readers of one program agree: what the source says, and what the compiler wrote down of it."""

from pathlib import Path

import pytest

from patchkit.model.program import Program
from patchkit.read.elf import read_elf
from patchkit.read.source import read_recording
from tests.support import kvd, needs, pairs
from tests.support.agreement import differences
from tests.support.builds import record
from tests.support.symbols import counts, read_symbols, size_differences

SAMPLE = pairs.NAMES[::10]  # `make campaign` takes all of them


def _agree(root: Path, program: str, *build: str) -> Program:
    """Record the build at `root`, read its `program` both ways, compare, and return it as its source says."""
    recording = record(root, *build, environ={"MAKEFLAGS": ""})
    source = read_recording(recording, label="source", program=program, jobs=1)
    elf = read_elf(root / program, label="elf", root=recording.root)
    symbols = read_symbols(root / program)
    assert (source.gaps, elf.gaps) == ((), ())
    assert [unit.source for unit in elf.units] == [unit.source for unit in source.units]
    assert [str(each) for each in differences(source, elf, counts(symbols))] == []
    assert size_differences(source, symbols) == []
    return source


@needs("make", "clang", "readelf")
@pytest.mark.parametrize(("compiler", "flags"), [("gcc", "-O0 -g"), ("gcc", "-O2 -g"), ("clang", "-O0 -g")])
@pytest.mark.parametrize("version", kvd.VERSIONS)
def test_both_readers_say_the_same_of_a_server(tmp_path: Path, version: str, compiler: str, flags: str) -> None:
    program = _agree(kvd.copy_source(version, tmp_path), "kvd", "make", f"CC={compiler}", f"CFLAGS={flags}")
    assert len(program.functions) > 100


@needs("readelf")
@pytest.mark.parametrize("side", pairs.SIDES)
@pytest.mark.parametrize("name", SAMPLE)
def test_both_readers_say_the_same_of_every_kind_of_change(tmp_path: Path, name: str, side: str) -> None:
    pair = pairs.load(name)
    root = pair.stage(side, tmp_path)
    sources = sorted(str(path.relative_to(root)) for path in root.rglob("*.c"))
    flags = ("-O0", "-g", "-pthread", "-D_GNU_SOURCE", "-I.", *pair.flags(side))
    _agree(root, "program", "gcc", *flags, "-o", "program", *sources)
