"""Builds the program that runs conversions on samples under the sanitizers, and runs it."""

import re
import shutil
import struct
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from patchkit.errors import ToolError
from patchkit.model.decision import Topic, Way
from patchkit.transform.migration import PLANS, programs_of
from patchkit.validate.findings import Subject
from patchkit.validate.samples import Case
from patchkit.validate.statics import COMPILERS

SOURCE = Path(__file__).with_name("harness.c")
_SANITIZE = "-fsanitize=address,undefined"
_FLAGS = (
    "-std=gnu11",
    "-O0",  # what is wrong must not be optimised away
    "-g",
    "-fno-omit-frame-pointer",
    "-fno-optimize-sibling-calls",
    "-fno-strict-aliasing",
    "-w",
    _SANITIZE,
    "-fno-sanitize-recover=all",
)
_UNDEFINED = re.compile(r"undefined (?:reference to|symbol:?) [`']?(?P<name>\w+)'?")
_SECONDS = 600.0


class Ended(IntEnum):
    """How a run ended."""

    DONE = 0
    GAVE_UP = 1
    REFUSED = 2
    DIED = 3
    TOO_LONG = 4
    MISSING = 5  # it called a function that only the program has


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a case. `value` is what the conversion returned or refused, or the signal as a negative number.

    `text` is why it refused or what it called, `report` what the sanitizers wrote, `output` the new object, `dropped`
    the addresses that it has no use for any more.
    """

    ended: Ended
    value: int
    text: str
    report: str
    output: bytes
    dropped: tuple[int, ...]


class Unbuildable(Exception):
    """The update's C does not compile; the text is what the compiler says."""


def build_harness(subject: Subject) -> Path:
    """Return the program. Raises Unbuildable, and ToolError where no compiler has the sanitizers."""
    folder = subject.place
    folder.mkdir(parents=True, exist_ok=True)
    compiler = _compiler(subject, folder)
    plan = f"-DPLAN={PLANS[subject.way]}"
    include = [f"-I{each}" for each in subject.include]
    objects = []
    for source in (*subject.sources, SOURCE):
        output = folder / f"{source.stem}.o"
        done = _run(
            [compiler, *_FLAGS, *include, *([plan] if source is SOURCE else []), "-c", str(source), "-o", str(output)],
            subject,
            folder,
        )
        if done.returncode != 0:
            raise Unbuildable(done.stderr)
        objects.append(str(output))
    program = folder / "harness"
    link = [compiler, _SANITIZE, *objects, "-o", str(program)]
    done = _run(link, subject, folder)
    names = sorted({match["name"] for match in _UNDEFINED.finditer(done.stderr)})
    if done.returncode != 0 and names:
        stand_ins = folder / "stand_ins.c"
        stand_ins.write_text(_stand_ins(subject, names), encoding="utf-8")
        done = _run([compiler, "-w", "-fno-builtin", *link[1:], str(stand_ins)], subject, folder)
    if done.returncode != 0:
        raise Unbuildable(done.stderr)
    return program


def _compiler(subject: Subject, folder: Path) -> str:
    empty = folder / "empty.c"
    empty.write_text("int main(void) { return 0; }\n", encoding="utf-8")
    for name in COMPILERS:
        path = shutil.which(name, path=subject.environ.get("PATH"))
        if path and _run([path, _SANITIZE, str(empty), "-o", str(folder / "empty")], subject, folder).returncode == 0:
            return path
    raise ToolError(
        "no C compiler has the address and undefined-behaviour sanitizers, under which samples are run",
        hint="install gcc with libasan and libubsan, or clang with compiler-rt; levels 1 and 2 need neither",
    )


def _run(command: Sequence[str], subject: Subject, folder: Path) -> "subprocess.CompletedProcess[str]":
    environ = {**subject.environ, "LC_ALL": "C", "TMPDIR": str(folder)}
    environ.pop("LD_PRELOAD", None)
    return subprocess.run(
        command, check=False, capture_output=True, text=True, errors="replace", env=environ, cwd=folder
    )


def _stand_ins(subject: Subject, names: Sequence[str]) -> str:
    """Return C that defines what the program has: its variables hold zeros, its allocator is the C library's."""
    planned = subject.planned
    left, reached = planned.pair.old, planned.pair.new
    programs = programs_of(left, reached) if subject.way is Way.UP else programs_of(reached, left)
    roles = dict[str, str]()
    for decision in planned.decisions.of(Topic.ALLOCATOR):
        roles.update(zip(decision.value.split(), ("allocate", "release", "room"), strict=False))
    lines = ["#include <malloc.h>", "#include <stdlib.h>", "void pk_stand_in_called(const char *name);"]
    for name in names:
        alias = planned.written.aliases.get(name)
        if alias is not None and not alias.function:
            variable = programs[alias.side].variables[alias.key]
            own = "_Thread_local " if variable.thread_local else ""
            lines.append(f"{own}unsigned char {name}[{variable.size or 4096}] __attribute__((aligned(64)));")
        elif name in roles:
            lines.append(_ALLOCATORS[roles[name]].format(name=name))
        else:
            lines.append(f'void {name}(void) {{ pk_stand_in_called("{name}"); }}')
    return "\n".join([*lines, ""])


_ALLOCATORS = {
    "allocate": "void *{name}(size_t size) {{ return calloc(1, size); }}",
    "release": "void {name}(void *object) {{ free(object); }}",
    "room": "size_t {name}(void *object) {{ return malloc_usable_size(object); }}",
}


def run_cases(program: Path, cases: Sequence[Case], subject: Subject) -> list[tuple[Run, Run, Run]]:
    """Return the runs of each case, over fills of 0x5a, 0xa5 and 0. Raises ToolError where the program fails."""
    folder = program.parent
    path = folder / "cases"
    path.write_bytes(struct.pack("<Q", len(cases)) + b"".join(case.packed() for case in cases))
    environ = {name: value for name, value in subject.environ.items() if name not in ("LD_PRELOAD", "ASAN_OPTIONS")}
    done = subprocess.run(
        [str(program), str(path)],
        check=False,
        capture_output=True,
        env={**environ, "TMPDIR": str(folder)},
        timeout=_SECONDS + len(cases),
    )
    if done.returncode != 0:
        text = done.stderr.decode(errors="replace").strip().splitlines()[:1] or [f"it ended with {done.returncode}"]
        raise ToolError(f"samples cannot be run: {text[0]}", hint="set ASAN_OPTIONS aside and try again")
    runs = list(_records(done.stdout))
    return list(zip(runs[::3], runs[1::3], runs[2::3], strict=True))


def _records(data: bytes) -> Iterator[Run]:
    at = 0

    def piece() -> bytes:
        nonlocal at
        (size,) = struct.unpack_from("<Q", data, at)
        at += 8 + size
        return data[at - size : at]

    while at < len(data):
        ended, value = struct.unpack_from("<2q", data, at)
        at += 16
        text, report, output, dropped = piece(), piece(), piece(), piece()
        places = struct.unpack(f"<{len(dropped) // 8}Q", dropped)
        said = report.decode(errors="replace")
        yield Run(Ended(ended), value, text.decode(errors="replace"), said, output, places)
