"""Objects that go to the new version and come back: what would not be as it was is found on samples."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import Outcome, needs, patchkit
from tests.support.hazards import shared_cache
from tests.support.small import record_program

pytestmark = needs("gcc", "make")

OLD = """
#include <stdlib.h>
enum kind { FIRST, SECOND, THIRD };
struct place { short x, y; };
struct item { struct item *next; enum kind kind; unsigned bits : 5; int size; struct place places[2]; double weight; };
struct item *items;
void add(int n) {
    struct item *item = calloc(1, sizeof *item);
    item->next = items;
    item->size = n;
    item->kind = n & 1 ? SECOND : THIRD;
    items = item;
}
int main(void) { add(1); return 0; }
"""
NEW = OLD.replace("FIRST, SECOND", "FIRST, BETWEEN, SECOND").replace("short x, y;", "int y, more, x;")
BY_HAND = """\
#include <patchkit_migration.h>
#include "symbols.h"
int pk_down_item(struct pk_migration *migration, const struct new_item *new, struct old_item *old);
int pk_down_item(struct pk_migration *migration, const struct new_item *new, struct old_item *old) {
    old->next = pk_forward(migration, new->next);
    old->kind = old_FIRST;
    old->bits = new->bits & 15;
    old->size = new->size;
    for (int at = 0; at < 2; at++) {
        old->places[at].x = (short)new->places[at].x;
        old->places[at].y = (short)new->places[at].y;
    }
    old->weight = new->weight;
    return 0;
}
"""
ANSWERS = {
    "allocator struct item": "malloc free malloc_usable_size",
    "initial struct place.more": "0",
    "down allocator struct item": "malloc free malloc_usable_size",
}


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Both versions, recorded."""
    folder = tmp_path_factory.mktemp("roundtrip")
    with shared_cache(tmp_path_factory):
        record_program(folder / "old", {"main.c": OLD})
        record_program(folder / "new", {"main.c": NEW})
        yield folder


def authored(folder: Path, name: str, answers: dict[str, str]) -> Path:
    """Author an update with these answers."""
    patchkit("new", "old", "new", "-o", name, cwd=folder)
    for key, value in {**ANSWERS, **answers}.items():
        done = patchkit("decide", key, value, "--reason", "test", "-u", name, cwd=folder)
        assert done.code == 0, done.err
    return folder / name


def round_trip(update: Path) -> Outcome:
    """Run the check alone."""
    return patchkit("validate", str(update), "--level", "6", cwd=update.parent)


def test_what_is_generated_comes_back_to_the_bit(versions: Path) -> None:
    update = authored(versions, "generated", {})
    assert patchkit("plan", str(update), cwd=versions).out.splitlines()[-1].endswith("; reversible")
    done = round_trip(update)
    assert (done.code, done.out) == (0, "6  what goes to the new version comes back as it was: yes\n"), done.err


def test_a_conversion_by_hand_that_loses_something_is_noted_with_the_members(versions: Path) -> None:
    update = authored(versions, "by-hand", {"down code struct item": "down.c"})
    (update / "down.c").write_text(BY_HAND)
    done = round_trip(update)
    assert done.code == 0, done.out + done.err
    line = (
        BY_HAND.splitlines().index(
            "int pk_down_item(struct pk_migration *migration, const struct new_item *new, struct old_item *old) {"
        )
        + 1
    )
    assert f"PKX615 by-hand/down.c:{line}: note: struct item comes back with other values of bits, kind\n" in done.out
