"""What made updates of other systems fail to build, hang, or corrupt or kill the process, each by its number.

The numbers are those of programs/failures.c: 1 an image that is missing or broken, 2 a thread blocked in read(), 3 a
pointer to a literal of the old image, 4 pointers into an array whose elements changed, 5 a constant inserted in the
middle and float to double, 6 bit-fields, 7 blocks outside of the main heap, 8 int to long, a grown array and a new
member, 9 a list of a million nodes. All of them are one update, in which no line is written by hand.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from patchkit.live.process import find_process
from tests.support import Outcome, patchkit
from tests.support.hazards import ask, cache, said, shared_cache, status, updated
from tests.support.small import Running, bundle, record_program, running

SOURCE = Path(__file__).parent / "programs/failures.c"
RECORDS = ("bits", "block", "cell", "measure", "message", "node", "record", "small")
MEMBERS = ("bits.between", "cell.more", "message.seen", "record.added", "small.stamp")
ANSWERS = {
    **{f"allocator struct {name}": "malloc free malloc_usable_size" for name in RECORDS},
    **{f"initial struct {name}": "0" for name in MEMBERS},
    "length server.c:cells": "allocation",
}
WHOLE = {
    3: "written by old, 3",
    4: "cells 4950 -4950, middle 42, end 100, last -99",
    5: "first 0.5 second 1.5 third 2.5",
    6: "5 -200 1abcdef01",
    7: "3 blocks, 900000 bytes right, small ones 45",
    8: "count -7, slots 46, totals 100 101 102 and {zero} zero",
    9: "1000000 nodes, sum 499999500000",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The two versions, a third that differs from the second in code alone, and the bundles between them."""
    place = tmp_path_factory.mktemp("failures")
    source = SOURCE.read_text()
    with shared_cache(tmp_path_factory):
        for version in ("old", "new", "newer"):
            head = "" if version == "old" else "#define NEW\n"
            record_program(place / version, {"server.c": head + source.replace("VERSION", version)})
        patchkit("new", "old", "new", "-o", "update", cwd=place)
        for key, value in ANSWERS.items():
            succeed("decide", key, value, "--reason", "test", "-u", "update", cwd=place)
        succeed("validate", "update", cwd=place)
        succeed("bundle", "old", "new", "--update", "update", "-o", "new.pkb", cwd=place)
        done = bundle(place / "new", place / "newer", place / "newer.pkb")
        assert done.code == 0, done.err
        yield place


def succeed(*words: str, cwd: Path) -> Outcome:
    """Run a command that has to succeed."""
    done = patchkit(*words, cwd=cwd)
    assert done.code == 0, done.out + done.err
    return done


@contextmanager
def old_version(folder: Path) -> Iterator[Running]:
    """The old version, waiting for a line."""
    with running(folder / "old/server", cache()) as server:
        server.wait_for("ready")
        yield server


def survives(number: int, folder: Path) -> None:
    """What one case makes in the old version has to be the same in the new one, and in the one after it."""
    with old_version(folder) as server:
        assert said(server, f"fill {number}") == f"old: {WHOLE[number].format(zero=0)}"
        for version in ("new", "newer"):
            updated(server, folder / f"{version}.pkb")
            assert said(server, f"tell {number}") == f"{version}: {WHOLE[number].format(zero=3)}"


def test_no_line_is_written_by_hand(folder: Path) -> None:
    assert "0 hand-written lines, 100 % of what changed needs none" in succeed("plan", "update", cwd=folder).out


@pytest.mark.parametrize("broken", ["missing", "empty", "cut", "changed", "directory", "another's"])
def test_failure_1_the_new_image_is_missing_or_broken(broken: str, folder: Path, tmp_path: Path) -> None:
    good, path = (folder / "new.pkb").read_bytes(), tmp_path / "broken.pkb"
    match broken:
        case "empty":
            path.write_bytes(b"")
        case "cut":
            path.write_bytes(good[: len(good) // 2])
        case "changed":
            path.write_bytes(good[: len(good) // 2] + bytes([good[len(good) // 2] ^ 1]) + good[len(good) // 2 + 1 :])
        case "directory":
            path.mkdir()
        case "another's":
            path.write_bytes((folder / "newer.pkb").read_bytes())
    with old_version(folder) as server:
        assert said(server, "fill 9") == f"old: {WHOLE[9]}"
        done = ask("apply", server.pid, path)
        assert done.code in (1, 2), done
        assert done.err.startswith("error: ") or "\nerror: " in done.err, done.err
        assert status(server.pid)["version"] == find_process(server.pid).build_id
        assert said(server, "tell 9") == f"old: {WHOLE[9]}"
        updated(server, folder / "new.pkb")
        assert said(server, "tell 9") == f"new: {WHOLE[9]}"


def test_failure_2_a_thread_is_blocked_in_read(folder: Path) -> None:
    with old_version(folder) as server:
        for version in ("new", "newer"):  # nobody writes anything before the update is there
            assert Path(f"/proc/{server.pid}/syscall").read_text().split()[0] == "0"
            updated(server, folder / f"{version}.pkb", "--timeout", "5")
            assert said(server, "tell 0") == f"{version} serves"


@pytest.mark.parametrize("number", [4, 5, 6, 8, 9])
def test_failures_4_5_6_8_and_9_live_state_is_converted(number: int, folder: Path) -> None:
    survives(number, folder)


def test_failure_3_a_heap_pointer_leads_to_a_literal_of_the_old_image(folder: Path) -> None:
    survives(3, folder)


def test_failure_7_blocks_outside_of_the_main_heap(folder: Path) -> None:
    """Large ones are mapped each by itself, and those of another thread come from another arena."""
    survives(7, folder)


def test_an_array_that_code_indexes_is_asked_about_and_one_said_to_be_one_object_is_refused(folder: Path) -> None:
    """It was once taken for one object without a question, and all but the first element were left behind."""
    patchkit("new", "old", "new", "-o", "fresh", cwd=folder)
    assert "length server.c:cells" in patchkit("plan", "fresh", cwd=folder).out
    shutil.copytree(folder / "update", folder / "wrong")
    succeed("decide", "length server.c:cells", "one", "--reason", "test", "-u", "wrong", cwd=folder)
    succeed("bundle", "old", "new", "--update", "wrong", "-o", "wrong.pkb", cwd=folder)
    with old_version(folder) as server:
        assert said(server, "fill 4") == f"old: {WHOLE[4]}"
        for options in ((), ("--no-rehearsal",)):
            done = ask("apply", server.pid, folder / "wrong.pkb", *options)
            assert done.code == 1
            assert "PKL121" in done.err or "PKL122" in done.err, done.err
            assert said(server, "tell 4") == f"old: {WHOLE[4]}"
