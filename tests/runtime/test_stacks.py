"""The walk over a parked thread's stacks: no word that its program keeps may be missed."""

from collections import Counter
from pathlib import Path

import pytest

from patchkit.runtime import HERE as HOME
from tests.support import run

PROGRAM = Path(__file__).parent / "programs/stack_words.c"


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, linked with the runtime's own sources."""
    folder = tmp_path_factory.mktemp("stacks")
    sources = sorted(str(path) for part in ("src", "arch") for path in (HOME / part).glob("*.c"))
    flags = [line for line in (HOME / "flags").read_text().split() if line.startswith("-") and line != "-fno-builtin"]
    include = [f"-I{HOME / part}" for part in ("src", "include")]
    made = run(
        "cc", *flags, "-rdynamic", *include, "-o", "stack_words", str(PROGRAM), *sources, "-lpthread", cwd=folder
    )
    assert made.code == 0, made.err
    return folder / "stack_words"


def marks(binary: Path, *options: str) -> Counter[str]:
    """The marks that were shown."""
    done = run(str(binary), *options, cwd=binary.parent)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[-1] == "complete 1 stopped 0 enough 1", lines
    return Counter(lines[:-1])


def test_locals_and_kept_registers_are_the_program_s_wherever_they_are_saved(binary: Path) -> None:
    shown = marks(binary)
    assert shown["mark 1 program stack there"] >= 1
    assert {line for line in shown if line.startswith("mark 2 program")}
    assert all(line.endswith("there") for line in shown)


def test_a_stack_that_a_signal_interrupted_is_walked_too(binary: Path) -> None:
    shown = marks(binary, "nested")
    assert shown["mark 1 program stack there"] >= 1
    assert shown["mark 3 program stack there"] >= 1
