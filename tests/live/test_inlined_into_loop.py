"""A changed function that the compiler has put into one which never returns: the update says that it stays there."""

from pathlib import Path

import pytest

from tests.support import patchkit
from tests.support.small import apply, bundle, record_program, running

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
