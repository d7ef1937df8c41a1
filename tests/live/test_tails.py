"""What a type alone does not tell of live objects: elements of flexible arrays, and what an object begins with."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from patchkit.runtime import HERE, LIBRARY
from patchkit.runtime.building import build_runtime
from tests.support import patchkit
from tests.support.hazards import cache, said, source_of, updated
from tests.support.small import record_program, running

MALLOC = "malloc free malloc_usable_size"
TAILS = {
    "length struct group.members": "count",
    "length struct item.text": "size",
    "length struct path.points": "length",
    "length struct blob.bytes": "allocation",
    "allocator struct point": "-",
    "initial struct client.more": "0",
    "initial struct item.used": "old->size",
    "initial struct point.z": "0",
    "initial struct blob.weight": "1.5",
    **{f"allocator struct {name}": MALLOC for name in ("client", "item", "path", "blob")},
}
FIRSTS = {
    "element server.c:ring": "struct node.link",
    "payload server.c:untyped": "struct counter",
    **{f"initial struct {name}.stamp": "7" for name in ("node", "counter", "derived")},
    **{f"allocator struct {name}": MALLOC for name in ("node", "counter", "derived")},
}


def walk_over(folder: Path, program: str, answers: Mapping[str, str], told: str, runtime: Path | None = None) -> None:
    """Update a process of `program`, filled, to its NEW version: it has to tell the same."""
    source = source_of(program)
    record_program(folder / "old", {"server.c": source.replace("VERSION", "old")})
    record_program(folder / "new", {"server.c": "#define NEW\n" + source.replace("VERSION", "new")})
    patchkit("new", "old", "new", "-o", "update", cwd=folder)
    for key, value in answers.items():
        done = patchkit("decide", key, value, "--reason", "test", "-u", "update", cwd=folder)
        assert done.code == 0, done.err
    done = patchkit("bundle", "old", "new", "--update", "update", "-o", "update.pkb", cwd=folder)
    assert done.code == 0, done.err + patchkit("plan", "update", cwd=folder).out
    with running(folder / "old/server", cache(), runtime=runtime) as server:
        server.wait_for("ready")
        assert said(server, "fill") == f"old {told}"
        updated(server, folder / "update.pkb")
        assert said(server, "tell") == f"new {told}"


ITEMS = "[item 2 abcdefghijklmnopqrst] [item 1 abcdefghij] [item 0 ]"
TAILS_TOLD = f"clients 15 15 items {ITEMS} points 2121 middle 300 at 3 end 7 blob 4 700"


def test_flexible_arrays_are_converted_with_their_objects(tmp_path: Path) -> None:
    walk_over(tmp_path, "tails.c", TAILS, TAILS_TOLD)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_nothing_undefined_happens_in_a_whole_update(compiler: str, tmp_path: Path) -> None:
    """In this runtime every operation that C leaves undefined ends the process."""
    found = shutil.which(compiler)
    if found is None:
        pytest.skip(f"needs {compiler} (Debian: {compiler})")
    home, tools = tmp_path / "runtime", tmp_path / "tools"
    shutil.copytree(HERE, home, ignore=shutil.ignore_patterns("__pycache__"))
    with (home / "flags").open("a") as flags:
        flags.write("-fsanitize=undefined\n-fsanitize-undefined-trap-on-error\n")
    tools.mkdir()
    (tools / "cc").symlink_to(found)
    environ = {"PATH": f"{tools}:{os.environ['PATH']}"}
    runtime = build_runtime(home, tmp_path / "cache", environ) / LIBRARY
    walk_over(tmp_path, "tails.c", TAILS, TAILS_TOLD, runtime)


def test_a_pointer_to_the_start_of_an_object_leads_to_what_its_type_says(tmp_path: Path) -> None:
    walk_over(tmp_path, "firsts.c", FIRSTS, "nodes 4 sum 10 counter 40 41 40 41 derived 50 51 50")
