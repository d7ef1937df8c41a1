"""Every pair of `corpora/changes` carried out: recorded, authored, bundled, applied, compared, taken back."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import ROOT, needs, patchkit
from tests.support.pairs import NAMES, SIDES, ChangePair, load
from tests.support.small import Running, running

GOLDEN = ROOT / "tests/golden/updates.txt"
# Nothing is inlined into main, which waits for commands all the time.
FLAGS = "-std=gnu11 -D_GNU_SOURCE -I. -O2 -g -pthread -fno-inline -fno-ipa-cp -fno-ipa-sra -fno-partial-inlining"

pytestmark = needs("gcc")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the runtime that all processes hold is built."""
    path = tmp_path_factory.getbasetemp() / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHKIT_CACHE", str(path))
        yield path


def blocks() -> dict[str, str]:
    """Return what is written down, by pair."""
    text = GOLDEN.read_text(encoding="utf-8") if GOLDEN.exists() else ""
    return {block.split("\n", 1)[0]: block.strip() for block in text.split("\n\n") if block.strip()}


@pytest.mark.parametrize("name", NAMES)
def test_a_process_becomes_the_new_version_or_stays_as_it_was(name: str, cache: Path, tmp_path: Path) -> None:
    outcome = list(carry_out(load(name), cache, tmp_path))
    text = "\n".join([name, *outcome])
    if os.environ.get("UPDATE_GOLDEN"):  # by one process at a time
        GOLDEN.write_text(
            "\n\n".join(each for _, each in sorted({**blocks(), name: text}.items())) + "\n", encoding="utf-8"
        )
    assert text == blocks()[name], "set UPDATE_GOLDEN=1 to take the new outcome"


def carry_out(pair: ChangePair, cache: Path, folder: Path) -> Iterator[str]:
    """Yield what happens to a process of the old side, in a few lines."""
    if not prepare(pair, folder):
        yield "one side does not build without inlining"
        return
    opened = author(pair, folder)
    if opened:
        yield from opened
        return
    done = patchkit("bundle", "old", "new", "--update", "update", "-o", "update.pkb", cwd=folder)
    if done.code != 0:
        yield f"not bundled: {rules(done.err)}"
        return
    with running(folder / "old/program", cache) as process:
        for command in pair.session:
            process.send(f"{command}\n")
        before = dump(process)
        done = patchkit("apply", str(process.pid), "update.pkb", cwd=folder)
        after = dump(process)
        if done.code != 0:
            assert after == before, done.err
            yield f"refused: {rules(done.err)}"
            return
        yield f"updated: {compared(after, {'as started anew': pair.expected['dump_new'], 'as before': before})}"
        done = patchkit("revert", str(process.pid), cwd=folder)
        back = dump(process)
        if done.code != 0:
            assert back == after, done.err
            yield f"not taken back: {rules(done.err)}"
        else:
            yield f"taken back: {compared(back, {'as before': before, 'as it was': after})}"


def prepare(pair: ChangePair, folder: Path) -> bool:
    """Record both sides; return whether they build."""
    for side in SIDES:
        source = pair.stage(side, folder)
        names = sorted(str(path.relative_to(source)) for path in source.rglob("*.c"))
        objects = " ".join(str(Path(name).with_suffix(".o")) for name in names)
        flags = " ".join((FLAGS, *pair.flags(side)))
        make = f"program: {objects}\n\t$(CC) -pthread -o $@ {objects}\n%.o: %.c\n\t$(CC) {flags} -c -o $@ $<\n"
        (source / "Makefile").write_text(make, encoding="utf-8")
        if patchkit("record", "--", "make", cwd=source).code != 0:
            return False
    return True


def author(pair: ChangePair, folder: Path) -> list[str]:
    """Answer what the pair says, then what is proposed; return what is open then."""
    done = patchkit("new", "old", "new", "-o", "update", cwd=folder)
    assert done.code in (0, 1), done.err
    if (pair.folder / "transform.c").exists():
        shutil.copy(pair.folder / "transform.c", folder / "update/transform.c")
    for key, value in pair.expected.get("decisions", {}).items():
        done = patchkit("decide", "-u", "update", key, value, "--reason", "the pair says so", cwd=folder)
        assert done.code == 0, done.err
    patchkit("decide", "-u", "update", "--proposed", "--reason", "as proposed", cwd=folder)
    lines = patchkit("plan", "update", cwd=folder).out.splitlines()
    states = ("asked", "to write", "blocked", "stale")
    return [line for line in lines if line.startswith(states) and " down " not in line]


def dump(process: Running) -> list[str]:
    """Return what the process prints of its state."""
    seen = len(process.lines())
    process.send("dump\n")
    process.wait_for_more(seen, ".")
    return process.lines()[seen:-1]


def compared(lines: list[str], others: dict[str, list[str]]) -> str:
    """Say which of `others` the lines are; else the lines themselves."""
    found = [what for what, known in others.items() if lines == known]
    return " and ".join(found) or " | ".join(lines)


def rules(text: str) -> str:
    """Return the rules that a message names."""
    return " ".join(sorted(set(re.findall(r"PK[A-Z]\d+", text)))) or text.strip()
