"""A changed function that the compiler has put into one which never returns: the update says that it stays there."""

from pathlib import Path

import pytest

from tests.support import patchkit
from tests.support.small import apply, authored_bundle, bundle, record_program, running

OLD = """
#include <stdio.h>
static void tell(void) { puts("VERSION"); fflush(stdout); }
int main(void)
{
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF)
        tell();
    return 0;
}
"""


def test_it_is_named_and_told_in_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHKIT_CACHE", str(tmp_path / "cache"))
    for name, text in (("old", '"old"'), ("new", '"new"); puts("more"')):
        record_program(tmp_path / name, {"main.c": OLD.replace('"VERSION"', text)})
    made = bundle(tmp_path / "old", tmp_path / "new", tmp_path / "new.pkb")
    assert made.code == 0, made.out + made.err
    with running(tmp_path / "old/server", tmp_path / "cache") as server:
        server.wait_for("ready")
        done = apply(server.pid, tmp_path / "new.pkb")
        assert done.code == 0, done.err
        assert "main goes on in its old code, and in what is inlined there, until it returns (PKC401)" in done.out
        assert "main goes on in its old code until it returns" in patchkit("log", str(server.pid), cwd=tmp_path).out
        server.send("\n")
        server.wait_for("old")


COUNTING = """
#include <stdio.h>
#include <stdlib.h>
struct count { int a; int b; };
static struct count *counts;
static void tell(void)
{
    counts->a++;
    counts->b += 2;
    printf("VERSION %d %d\\n", counts->a, counts->b);
    fflush(stdout);
}
static void make(void) { counts = calloc(1, sizeof *counts); }
int main(void)
{
    make();
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF)
        tell();
    return 0;
}
"""


def test_objects_that_only_inlined_code_knows_are_not_converted_under_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATCHKIT_CACHE", str(tmp_path / "cache"))
    new = COUNTING.replace("{ int a; int b; }", "{ long first; int a; int b; }")
    for name, text in (("old", COUNTING), ("new", new)):
        record_program(tmp_path / name, {"main.c": text.replace("VERSION", name)})
    made = authored_bundle(
        tmp_path, "new", {"initial struct count.first": "7", "allocator struct count": "calloc free"}
    )
    with running(tmp_path / "old/server", tmp_path / "cache") as server:
        server.wait_for("ready")
        server.send("\n")
        server.wait_for("old 1 2")
        done = apply(server.pid, made)
        assert (done.code, "PKL107" in done.err) == (1, True), done.out + done.err
        assert "main knows struct count, which changed, in code that was put into it" in done.err
        server.send("\n")
        server.wait_for("old 2 4")
