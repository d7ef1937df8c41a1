"""Of several processes that are updated at once, some may end meanwhile: that alone is no failure."""

import platform
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import patchkit
from tests.support.hazards import cache, shared_cache
from tests.support.live import ask
from tests.support.small import record_program, running

tells_anybody = pytest.mark.skipif(
    tuple(int(part) for part in platform.release().split(".")[:2]) < (6, 15),
    reason="Linux tells how a process ended to nobody but its parent before 6.15",
)
SOURCE = r"""
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
int is_child;
__attribute__((noinline)) const char *version(void) { return "VERSION"; }
int main(int count, char **words) {
    char line[16];
    (void)words;
    if (count > 1)
        signal(SIGCHLD, SIG_IGN); /* nobody has to wait for the child */
    is_child = fork() == 0;
    dprintf(1, "%s\n", is_child ? "child" : "parent");
    while (is_child)
        sleep(1);
    while (read(0, line, sizeof line) > 0)
        dprintf(1, "%s\n", version());
    return 0;
}
"""
HOOK = """
#include <patchkit_migration.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include "symbols.h"
int pk_transform_after(struct pk_migration *migration);
int pk_transform_after(struct pk_migration *migration) {
    (void)migration;
    if (pk_new__is_child)
        LEAVE;
    return 0;
}
"""


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Both versions of a program that forks, recorded, and an update with a hook."""
    folder = tmp_path_factory.mktemp("ended")
    with shared_cache(tmp_path_factory):
        for name in ("old", "new"):
            record_program(folder / name, {"main.c": SOURCE.replace("VERSION", name)})
        patchkit("new", "old", "new", "-o", "update", cwd=folder)
        done = patchkit("decide", "code after", "transform.c", "--reason", "test", "-u", "update", cwd=folder)
        assert done.code == 0, done.err
        yield folder


@pytest.mark.parametrize("options", [[], pytest.param(["reaping"], marks=tells_anybody)])
@pytest.mark.parametrize(
    ("leave", "code", "told"),
    [
        ("_exit(0)", 0, "ended of itself while it was asked"),
        ("_exit(3)", 2, "ended while it was asked: exit code 3 (PKL006)"),
        ("raise(SIGKILL)", 2, "ended while it was asked: killed by SIGKILL (PKL006)"),
    ],
)
def test_a_child_that_ends_well_as_it_is_switched_is_no_failure(
    versions: Path, leave: str, code: int, told: str, options: list[str]
) -> None:
    (versions / "update/transform.c").write_text(HOOK.replace("LEAVE", leave))
    made = patchkit("bundle", "old", "new", "--update", "update", "-o", "update.pkb", cwd=versions)
    assert made.code == 0, made.out + made.err
    with running(versions / "old/server", cache(), *options) as server:
        server.wait_for("child")
        server.wait_for("parent")
        done = ask("apply", server.pid, "--tree", "--no-rehearsal", versions / "update.pkb", cwd=versions)
        assert done.code == code, done.err
        assert told in done.err
        assert f"process {server.pid} (server) updated to" in done.out
        server.send("\n")
        server.wait_for("new")
