"""Small programs built with debug information, and what the compiler itself says of their types."""

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from patchkit.model.ctype import Named
from patchkit.model.program import Member, Program, Record
from patchkit.read.elf import read_elf

COMPILERS = ("gcc", "clang")
STYLES = [(compiler, f"-gdwarf-{version}") for compiler in COMPILERS for version in (4, 5)]


def build(folder: Path, *flags: str, compiler: str = "gcc", output: str = "program", **sources: str) -> Path:
    """Compile `sources`, from file name with `_` for the dot to text, in `folder`, with `-g` before `flags`.

    Headers are written and not compiled. Returns the path of what was built.
    """
    files = {name[::-1].replace("_", ".", 1)[::-1]: text for name, text in sources.items()}
    return build_files(folder, files, *flags, compiler=compiler, output=output)


def build_files(
    folder: Path, files: Mapping[str, str], *flags: str, compiler: str = "gcc", output: str = "program"
) -> Path:
    """Compile `files`, from path to text, as `build` does."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    compiled = [name for name in files if name.endswith(".c")]
    command = [compiler, "-g", "-w", *flags, *compiled, "-o", output]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return folder / output


def read(path: Path) -> Program:
    """Read a file that reads whole."""
    program = read_elf(path, label="test")
    assert program.gaps == ()
    return program


@dataclass(frozen=True, slots=True)
class Place:
    """A member as it is reached from a record: the path in C, the member, its offset in that record in bits."""

    path: str
    member: Member
    offset: int


def places(program: Program, record: Record, prefix: str = "", base: int = 0) -> Iterator[Place]:
    """All named members of `record`, those of unnamed and nested members included."""
    for member in record.members:
        path = f"{prefix}.{member.name}".strip(".") if member.name else prefix
        if member.name:
            yield Place(path, member, base + member.offset)
        inner = member.type
        if isinstance(inner, Named) and inner.key in program.records:
            yield from places(program, program.records[inner.key], path, base + member.offset)


def spelled(program: Program, record: Record) -> str | None:
    """Return how C names `record`, None where it cannot."""
    _, name = record.key.split(" ", 1)
    if any(mark in name for mark in "<.#@"):
        return None
    alias = program.typedefs.get(name)
    return name if alias is not None and alias.type == Named(record.tag, record.key) else record.key


_BITS = """
#include <stdio.h>
#include <string.h>
#include <stddef.h>
#define SIZE(t) printf("%s size %zu\\n", #t, sizeof(t))
#define ALIGN(t) printf("%s align %zu\\n", #t, (size_t)_Alignof(t))
#define OFFSET(t, m) printf("%s %s %zu %zu\\n", #t, #m, offsetof(t, m) * 8, sizeof(((t *)0)->m) * 8)
#define START(t, m) printf("%s %s %zu\\n", #t, #m, offsetof(t, m) * 8)
#define BITS(t, m) do { t x; memset(&x, 0, sizeof x); x.m = -1; bits(#t, #m, (unsigned char *)&x, sizeof x); } while (0)
static void bits(const char *type, const char *member, const unsigned char *bytes, size_t size)
{
    size_t first = 0, count = 0;
    for (size_t i = size * 8; i-- > 0;)
        if (bytes[i / 8] >> (i % 8) & 1) { first = i; count++; }
    printf("%s %s %zu %zu\\n", type, member, first, count);
}
"""


def compiler_says(folder: Path, source: str, program: Program, *flags: str, compiler: str) -> set[str]:
    """Return what the compiler answers about every record of `program` that C can name, a line per fact.

    Offsets and sizes of members in bits, sizes and alignments of records in bytes.
    """
    lines = [source, _BITS, "int main(void) {"]
    for record in program.records.values():
        name = spelled(program, record)
        if name is None:
            continue
        lines += [f"SIZE({name});", f"ALIGN({name});"]
        for place in places(program, record):
            if place.member.width is not None:
                lines.append(f"BITS({name}, {place.path});")
            else:
                lines.append(f"{'OFFSET' if place.member.size else 'START'}({name}, {place.path});")
    asking = folder / "asking.c"
    asking.write_text("\n".join([*lines, "return 0; }"]), encoding="utf-8")
    done = subprocess.run(
        [compiler, "-w", *flags, "asking.c", "-o", "asking"],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = subprocess.run([str(folder / "asking")], capture_output=True, encoding="utf-8", check=True)
    return set(answer.stdout.splitlines())


def model_says(program: Program) -> set[str]:
    """Return the same facts out of `program`."""
    facts: set[str] = set()
    for record in program.records.values():
        name = spelled(program, record)
        if name is None:
            continue
        facts |= {f"{name} size {record.size}", f"{name} align {record.align}"}
        for place in places(program, record):
            size = f" {place.member.size}" if place.member.size else ""
            facts.add(f"{name} {place.path} {place.offset}{size}")
    return facts
