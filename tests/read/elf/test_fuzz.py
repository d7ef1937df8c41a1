"""Damaged files end in an answer: a program, with gaps perhaps, or an error that names the file; nothing else, ever.

`seeds/` holds `seed.c` as gcc 12 and clang 14 compile it in several ways. PATCHKIT_FUZZ_ROUNDS asks for more rounds for
each, PATCHKIT_FUZZ_FIRST for others.
"""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from patchkit.errors import InputError
from patchkit.model.ctype import spell
from patchkit.model.program import Program
from patchkit.read.elf import read_elf

SEEDS = Path(__file__).parent / "seeds"
FILES = sorted(path.name for path in SEEDS.iterdir() if path.suffix in (".o", ".so"))
ROUNDS = int(os.environ.get("PATCHKIT_FUZZ_ROUNDS", "60"))
FIRST = int(os.environ.get("PATCHKIT_FUZZ_FIRST", "0"))
ODD_BYTES = bytes([0x00, 0x01, 0x7F, 0x80, 0xFF])


def _bytes(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 1, 2, 4, 16, 64))):
        data[chance.randrange(len(data))] = chance.randrange(256)


def _odd_bytes(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 2, 8))):
        at, length = chance.randrange(len(data)), chance.choice((1, 2, 4, 8))
        data[at : at + length] = bytes([chance.choice(ODD_BYTES)]) * min(length, len(data) - at)


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def _copied(data: bytearray, chance: random.Random) -> None:
    length = chance.choice((4, 16, 64, 256))
    source, target = chance.randrange(len(data)), chance.randrange(len(data))
    piece = bytes(data[source : source + length])
    data[target : target + len(piece)] = piece[: len(data) - target]


def _removed(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    del data[at : at + chance.choice((1, 2, 4, 16))]


def _sections(path: Path) -> list[slice]:
    """Where the debug sections lie in the file, which random places in a file seldom hit."""
    with path.open("rb") as file:
        found = [section for section in ELFFile(file).iter_sections() if section.name.startswith(".debug_")]
        return [slice(s["sh_offset"], s["sh_offset"] + s["sh_size"]) for s in found if s["sh_size"]]


def _damaged(whole: bytes, sections: list[slice], chance: random.Random) -> bytes:
    mutation = chance.choice(MUTATIONS)
    if chance.random() < 0.5:
        data = bytearray(whole)
        mutation(data, chance)
        return bytes(data)
    place = chance.choice(sections)
    data = bytearray(whole[place])
    mutation(data, chance)
    size = place.stop - place.start
    return whole[: place.start] + bytes(data)[:size].ljust(size, b"\0") + whole[place.stop :]


MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _bytes,
    _bytes,
    _odd_bytes,
    _cut,
    _copied,
    _removed,
)


def _use(program: Program) -> None:
    """Do with a program what others do with it."""
    for variable in program.variables.values():
        assert spell(variable.type, variable.name)
    for function in program.functions.values():
        assert spell(function.type, function.name)
    for record in program.records.values():
        assert all(spell(member.type, member.name) for member in record.members)
        assert len(record.fingerprint) == 16


def _outcome(path: Path) -> str:
    try:
        program = read_elf(path, label="damaged")
    except InputError as error:
        return "error" if str(path) in error.message else f"error that does not name the file: {error.message}"
    _use(program)
    return "gaps" if program.gaps else "whole"


def test_seeds_read_whole() -> None:
    assert len(FILES) >= 5
    for name in FILES:
        program = read_elf(SEEDS / name, label="seed")
        assert program.gaps == ()
        _use(program)
        assert {"pairs", "words", "call", "own"} <= set(program.variables)


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_end_in_an_answer(tmp_path: Path, name: str) -> None:
    whole = (SEEDS / name).read_bytes()
    places = _sections(SEEDS / name)
    path = tmp_path / "damaged"
    outcomes = {"whole": 0, "gaps": 0, "error": 0}
    for number in range(FIRST, FIRST + ROUNDS):
        chance = random.Random(f"{name} {number}")
        path.write_bytes(_damaged(whole, places, chance))
        try:
            outcomes[_outcome(path)] += 1
        except Exception as error:
            error.add_note(f"round {number} of {name}")
            raise
    assert outcomes["whole"] > 0
    assert outcomes["error"] > 0
    assert outcomes["gaps"] > 0 or "compressed" in name
