"""Arrays on the stack that begin with addresses: compilers copy them from data without a name, which is no state."""

import subprocess
from pathlib import Path

import pytest

from tests.support.small import apply, bundle, record_program, running

OLD = """
#include <stdio.h>
struct flag { int bit; const char *name; };
__attribute__((noinline)) void tell(struct flag *flags)
{
    for (; flags->name; flags++)
        printf("VERSION %s\\n", flags->name);
    fflush(stdout);
}
__attribute__((noinline)) void tell_all(void)
{
    struct flag flags[] = {FLAGS {16, "fast"}, {0, NULL}};
    tell(flags);
}
int main(void)
{
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF)
        tell_all();
    return 0;
}
"""
FLAGS = " ".join(f'{{{number}, "flag{number}"}},' for number in range(30))  # few are stored one by one
OLD = OLD.replace("FLAGS", FLAGS)
NEW = OLD.replace('"fast"', '"quick"').replace("VERSION", "new")


def test_they_come_with_the_new_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHKIT_CACHE", str(tmp_path / "cache"))
    for name, text in (("old", OLD.replace("VERSION", "old")), ("new", NEW)):
        record_program(tmp_path / name, {"main.c": text})
    sections = subprocess.run(
        ["objdump", "-s", "-j", ".data", "main.o"], cwd=tmp_path / "new", capture_output=True, check=False
    )
    assert b"Contents of section .data:" in sections.stdout  # or this tests nothing
    made = bundle(tmp_path / "old", tmp_path / "new", tmp_path / "new.pkb")
    assert made.code == 0, made.out + made.err
    with running(tmp_path / "old/server", tmp_path / "cache") as server:
        server.wait_for("ready")
        server.send("\n")
        server.wait_for("old fast")
        done = apply(server.pid, tmp_path / "new.pkb")
        assert done.code == 0, done.err
        server.send("\n")
        server.wait_for("new quick")
