"""Conversions of two programs, compiled by every compiler and run on objects, without any process to update."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from patchkit.diff.matching import pair_programs
from patchkit.diff.pair import Pair
from patchkit.model.decision import Decision, Decisions, Topic
from patchkit.model.program import Program
from patchkit.transform.changed import Changed
from patchkit.transform.conversion import Conversions
from tests.support import run
from tests.support.frozen import COMPILERS, compile_strictly
from tests.support.reading import read_c

MAIN = "\nint main(void) { return 0; }\n"

# A runtime that has moved everything by MOVED bytes, and says what was refused.
_RUNTIME = """\
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <patchkit_migration.h>
#include "old.h"
#include "new.h"
enum { MOVED = 4096 };
static char refused[256];
static int64_t refused_value;
static void *forward(struct pk_migration *migration, const void *old) {
    (void)migration;
    return (char *)(uintptr_t)old + MOVED;
}
static void *forward_as(struct pk_migration *migration, const void *old, const char *type) {
    (void)type;
    return forward(migration, old);
}
static int refuse(struct pk_migration *migration, const char *what, int64_t value) {
    (void)migration;
    snprintf(refused, sizeof refused, "%s", what);
    refused_value = value;
    return 1;
}
static int note(struct pk_migration *migration, void *object, void (*release)(void *), int made) {
    (void)migration, (void)object, (void)release, (void)made;
    return 0;
}
static const struct pk_services services = {forward, refuse, note, forward_as};
static struct pk_migration migration = {&services, 0};
static int failures;
#define CONVERT(name) (refused[0] = 0, memset(&to, 0, sizeof to), pk_convert_##name(&migration, &from, &to))
#define CHECK_REFUSED(name, text) CHECK(CONVERT(name) && !strcmp(refused, text))
#define PLACE(number) ((void *)(uintptr_t)(number))
#define CHECK(condition) \\
    do { \\
        if (!(condition)) { \\
            printf("%s:%d: %s (refused: %s, %ld)\\n", __FILE__, __LINE__, #condition, refused, (long)refused_value); \\
            failures++; \\
        } \\
    } while (0)
"""


@dataclass(frozen=True)
class Converted:
    """Conversions with everything that was asked for."""

    pair: Pair
    conversions: Conversions

    @property
    def asked(self) -> dict[str, str]:
        """Open questions: `initial struct a.b` with what is proposed."""
        made = self.conversions.done.values()
        return {f"{each.topic} {each.subject}": each.proposal for one in made for each in one.open}


def decide(answers: Mapping[str, str]) -> Decisions:
    """Return decisions that were written as `initial struct client.requests`: value."""
    found = {}
    for key, value in answers.items():
        topic, _, subject = key.partition(" ")
        found[Topic(topic), subject] = Decision(Topic(topic), subject, value, "a test says so")
    return Decisions(found)


def convert(old: Program, new: Program, answers: Mapping[str, str], keys: Sequence[str] = ()) -> Converted:
    """Return the conversions of the records `keys`, of all that changed where none are named."""
    pair = pair_programs(old, new)
    decisions = decide(answers)
    conversions = Conversions(pair, Changed(pair, decisions), decisions)
    for key in keys or conversions.changed.records:
        if not pair.old.records[key].parent:
            conversions.convert(key, pair.records.forward[key])
    return Converted(pair, conversions)


def write(folder: Path, converted: Converted, body: str, before: str = "") -> None:
    """Write a program that runs `body`, which may CHECK what conversions did."""
    made = converted.conversions
    (folder / "old.h").write_text(made.old_header.text())
    (folder / "new.h").write_text(made.new_header.text())
    main = f"int main(void) {{\n(void)migration, (void)refused_value;\n{body}\nreturn failures != 0;\n}}\n"
    (folder / "convert.c").write_text(f"{_RUNTIME}\n{made.text()}\n{before}\n{main}")


def execute(folder: Path, *flags: str) -> list[str]:
    """Compile what `write` wrote without a warning, run it, and return all that anyone complains of."""
    said = compile_strictly(folder, "convert.c", "-Wno-unused-function", *flags, output="convert")
    for compiler in COMPILERS if not said else ():
        done = run(f"./convert.{compiler}", cwd=folder)
        if done.code or done.out or done.err:
            said.append(f"{compiler}: {done.code} {done.out} {done.err}")
    return said


def conversions(folder: Path, old: str, new: str, answers: Mapping[str, str] | None = None) -> Converted:
    """Read two versions of a source and return their conversions."""
    programs = [read_c(folder / side, text + MAIN) for side, text in (("was", old), ("is", new))]
    return convert(programs[0], programs[1], answers or {})


def check(folder: Path, converted: Converted, body: str, before: str = "") -> None:
    """Run `body` with the conversions of `struct a`, whose old object is `from` and whose new one is `to`."""
    start = "struct old_a from; struct new_a to; memset(&from, 0, sizeof from);\n"
    write(folder, converted, start + body, before)
    assert execute(folder) == []
