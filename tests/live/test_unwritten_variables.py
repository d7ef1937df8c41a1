"""Variables that no code writes to, which compilers put where nothing can be written, are converted all the same."""

from pathlib import Path

import pytest

from tests.support import patchkit
from tests.support.small import apply, authored_bundle, record_program, running

OLD = """
#include <stdio.h>
struct place { int number; };
struct place first = {1}, last = {2};
static struct place *places[] = {&first, &last};
struct step { struct place *place; const char *name; };
static struct step steps[] = {{&first, "begin"}, {&last, "end"}};
__attribute__((noinline)) void tell(int letter);
void tell(int letter)
{
    int at = letter != '0';
    places[at]->number++;
    printf("VERSION %d %d %s %d\\n", at, places[at]->number, steps[at].name, steps[at].place == places[at]);
    fflush(stdout);
}
int main(void)
{
    puts("ready");
    fflush(stdout);
    for (int letter; (letter = getchar()) != EOF;)
        if (letter != '\\n')
            tell(letter);
    return 0;
}
"""
NEW = OLD.replace("struct place { int number; };", "struct place { long number; int more; };").replace(
    "const char *name; };", "const char *name; long times; };"
)


def test_they_go_there_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHKIT_CACHE", str(tmp_path / "cache"))
    for name, text in (("old", OLD), ("new", NEW)):
        record_program(tmp_path / name, {"main.c": text.replace("VERSION", name)})
    answers = {"initial struct place.more": "0", "initial struct step.times": "0"}
    bundle = authored_bundle(tmp_path, "new", answers)
    with running(tmp_path / "old/server", tmp_path / "cache") as server:
        server.wait_for("ready")
        server.send("01\n")
        server.wait_for("old 1 3 end 1")
        for times in (0, 1):
            done = apply(server.pid, bundle)
            assert done.code == 0, done.err
            server.send("01\n")
            server.wait_for(f"new 1 {4 + 2 * times} end 1")
            done = patchkit("revert", str(server.pid), cwd=tmp_path)
            assert done.code == 0, done.err
            server.send("01\n")
            server.wait_for(f"old 1 {5 + 2 * times} end 1")
