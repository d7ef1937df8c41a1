"""Objects of a process, or of a core file, as samples; and an update rehearsed while it is validated."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import Outcome, needs, patchkit, run
from tests.support.hazards import cache, said, shared_cache
from tests.support.small import Running, record_program, running

OLD = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum kind { NUMBER, TEXT };
struct item { struct item *next; enum kind kind; short numbers[2]; const char *name; union { long n; char *t; } as; };
struct table { int count; struct item **rows; };
struct item *items;
struct table table;

__attribute__((noinline)) void add(int number) {
    struct item *item = calloc(1, sizeof *item);
    item->next = items;
    item->kind = number % 2 ? TEXT : NUMBER;
    item->numbers[1] = -number;
    item->name = "caf\\u00e9";
    item->as.n = 7;
    items = item;
    table.rows = realloc(table.rows, (table.count + 1) * sizeof *table.rows);
    table.rows[table.count++] = item;
}

__attribute__((noinline)) int sum(void) {
    int found = 0;
    for (struct item *item = items; item; item = item->next)
        found -= item->numbers[1];
    return found;
}

int main(void) {
    char line[64];
    puts("ready");
    fflush(stdout);
    while (read(0, line, sizeof line) > 0) {
        add(atoi(line));
        printf("%d\\n", sum());
        fflush(stdout);
    }
    return 0;
}
"""
NEW = OLD.replace("const char *name; union", "const char *name; long more; union")
ANSWERS = {
    "allocator struct item": "malloc free malloc_usable_size",
    "initial struct item.more": "0",
    "length struct table.rows": "count",
    "union struct item.as": "n",
}

pytestmark = needs("gcc", "make")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Both versions, recorded, and the update."""
    place = tmp_path_factory.mktemp("samples")
    with shared_cache(tmp_path_factory):
        record_program(place / "old", {"main.c": OLD})
        record_program(place / "new", {"main.c": NEW})
        patchkit("new", "old", "new", "-o", "update", cwd=place)
        for key, value in ANSWERS.items():
            done = patchkit("decide", key, value, "--reason", "test", "-u", "update", cwd=place)
            assert done.code == 0, done.err
        yield place


@pytest.fixture
def server(folder: Path) -> Iterator[Running]:
    """A process of the old version with three items."""
    with running(folder / "old/server", cache()) as process:
        process.wait_for("ready")
        for number in (1, 2, 3):
            said(process, f"{number}")
        yield process


def sample(folder: Path, where: object, *options: str) -> Outcome:
    """Run `patchkit sample` for items."""
    return patchkit("sample", str(where), "struct item", "-u", "update", *options, cwd=folder)


def expected(objects: dict[str, dict[str, object]]) -> None:
    """Check that these are the three items, linked as they are in the process."""
    values = {key: each["value"] for key, each in objects.items()}
    assert {each["type"] for each in objects.values()} == {"struct item"}
    by_number = {value["numbers"][1]: (key, value) for key, value in values.items()}  # type: ignore[index]
    assert sorted(by_number) == [-3, -2, -1]
    for number in (-3, -2):
        assert by_number[number][1]["next"] == f"&{by_number[number + 1][0]}"  # type: ignore[index]
    assert by_number[-1][1]["next"] is None  # type: ignore[index]
    assert [by_number[number][1]["kind"] for number in (-3, -2, -1)] == ["TEXT", "NUMBER", "TEXT"]  # type: ignore[index]
    assert by_number[-1][1]["name"] == {"text": "café"}  # type: ignore[index]


def test_objects_of_a_process_are_samples_that_are_validated_with(folder: Path, server: Running) -> None:
    done = sample(folder, server.pid, "-o", "update/samples/live.json")
    assert done.code == 0, done.err
    assert done.out.startswith("update/samples/live.json: 3 of struct item; ")
    expected(json.loads((folder / "update/samples/live.json").read_text())["objects"])
    assert said(server, "4") == "10"
    done = patchkit("validate", "update", cwd=folder)
    assert done.code == 0, done.out
    (folder / "update/samples/live.json").unlink()


@needs("gcore")
def test_objects_of_a_core_file_are_the_same(folder: Path, server: Running, tmp_path: Path) -> None:
    assert run("gcore", "-o", str(tmp_path / "core"), str(server.pid), cwd=tmp_path).code == 0
    done = sample(folder, tmp_path / f"core.{server.pid}")
    assert done.code == 0, done.err
    expected(json.loads(done.out)["objects"])


def test_only_as_many_as_are_wanted(folder: Path, server: Running) -> None:
    objects = json.loads(sample(folder, server.pid, "-n", "1").out)["objects"]
    assert [key for key in objects if not key.startswith("o")] == ["1"]


def test_what_cannot_be_sampled_is_said(folder: Path, server: Running, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no core")
    rows = (
        (sample(folder, 2**22 - 1), 2, "there is no process"),
        (sample(folder, tmp_path / "text"), 2, "is no core file"),
        (sample(folder, tmp_path / "none"), 2, "cannot be read: No such file"),
        (patchkit("sample", str(server.pid), "struct itm", "-u", "update", cwd=folder), 2, "it converts struct item"),
    )
    for done, code, text in rows:
        assert (done.code, text in done.err) == (code, True), done
    with running(folder / "new/server", cache()) as other:
        other.wait_for("ready")
        done = sample(folder, other.pid)
        assert (done.code, "PKB801" in done.err) == (2, True), done


def test_a_type_without_an_object_is_told(folder: Path) -> None:
    with running(folder / "old/server", cache()) as empty:
        empty.wait_for("ready")
        done = sample(folder, empty.pid)
        assert (done.code, "no struct item was found" in done.err) == (1, True), done


def test_an_update_is_rehearsed_on_a_copy_while_it_is_validated(folder: Path, server: Running) -> None:
    done = patchkit("validate", "update", "--pid", str(server.pid), cwd=folder)
    assert done.code == 0, done.out + done.err
    assert done.out.splitlines()[-1] == "7  it succeeds on a copy of the process: yes"
    assert said(server, "4") == "10"
    with running(folder / "new/server", cache()) as other:
        other.wait_for("ready")
        done = patchkit("validate", "update", "--level", "1", "--pid", str(other.pid), cwd=folder)
        assert (done.code, "at the new version already" in done.out) == (1, True), done
