"""How long reading and comparing two versions of redis takes, against abidiff and the compiler's own syntax check.

Both versions are built and recorded once, which is not counted; the recorder's own cost is the business of
`record.py`. Then all candidates run in turns:

cold            nothing but what the recordings hold: preprocessed texts (models that were kept are removed first)
recorded        what a user meets after `patchkit record`: both models are there
one .c changed  a function of one source changed since the recording; the first comparison after it
one .c, again   the same once more: the model of the changed tree is there
header changed  a member more in the central header; the first comparison after it
header, again   the same once more
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from corpora.bench.measure import PATCHKIT, interleave, run, save, table
from corpora.demo.compare import FETCHED, prepare_redis, record
from patchkit.read.record import load_recording

ROUNDS = 3
SOURCE = "src/networking.c"
IN_SOURCE = ("int prepareClientToWrite(client *c) {", "int prepareClientToWrite(client *c) { if (!c) return C_ERR;")
HEADER = "src/server.h"
IN_HEADER = ("    int protected_mode;", "    int added_by_benchmark; int protected_mode;")


def main() -> int:
    """Run the benchmark and print its table."""
    old, new, build, program = prepare_redis(FETCHED / "redis")
    for tree in (old, new):
        record(tree, build)
    compare = [*PATCHKIT, "diff", str(old), str(new)]
    elf = [f"{tree}/src/{program}" for tree in (old, new)]

    def cold() -> tuple[float, float, float]:
        forget(old, new)
        return run(compare, old.parent)

    def changed(name: str, edit: tuple[str, str], again: bool) -> tuple[float, float, float]:
        run(compare, old.parent)
        with edited(new / name, *edit):
            first = run(compare, old.parent)
            result = run(compare, old.parent) if again else first
        run(compare, old.parent)
        return result

    series = interleave(
        {
            "abidiff --non-reachable-types": lambda: run(["abidiff", "--non-reachable-types", *elf], old.parent),
            "gcc -fsyntax-only": lambda: syntax(new),
            "patchkit diff, cold": cold,
            "patchkit diff, recorded": lambda: run(compare, old.parent),
            "patchkit diff, one .c changed": lambda: changed(SOURCE, IN_SOURCE, again=False),
            "patchkit diff, one .c, again": lambda: changed(SOURCE, IN_SOURCE, again=True),
            "patchkit diff, header changed": lambda: changed(HEADER, IN_HEADER, again=False),
            "patchkit diff, header, again": lambda: changed(HEADER, IN_HEADER, again=True),
        },
        ROUNDS,
    )
    print(table(series, ["abidiff --non-reachable-types", "gcc -fsyntax-only"]))
    save("diff", series, old=old.name, new=new.name)
    return 0


def forget(*trees: Path) -> None:
    """Remove the models that were kept of recorded trees."""
    for tree in trees:
        shutil.rmtree(tree / ".patchkit/models", ignore_errors=True)


def syntax(tree: Path) -> tuple[float, float, float]:
    """Check the syntax of every unit of a recorded tree, two at a time."""
    recording = load_recording(tree)
    assert recording is not None
    commands = []
    for unit in recording.units:
        words = [word for word in unit.command.arguments if word not in ("-c", "-MMD", "-MD")]
        if "-o" in words:
            at = words.index("-o")
            del words[at : at + 2]
        commands.append((unit.command.directory, [*words, "-fsyntax-only", "-w"]))
    script = "\n".join(
        f"(cd '{directory}' && {' '.join(map(_quoted, words))}) {'& wait -n' if number % 2 else '&'}"
        for number, (directory, words) in enumerate(commands)
    )
    return run(["bash", "-c", script + "\nwait"], tree)


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


@contextmanager
def edited(path: Path, before: str, after: str) -> Iterator[None]:
    """Replace `before` by `after` in a file for a while."""
    text = path.read_text()
    if before not in text:
        sys.exit(f"{path} has no line {before!r}: this benchmark was written for redis 7.0")
    path.write_text(text.replace(before, after, 1))
    try:
        yield
    finally:
        path.write_text(text)


if __name__ == "__main__":
    sys.exit(main())
