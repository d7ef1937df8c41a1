"""Conversions of live state that go wrong: the update is refused, and the process goes on with what it had."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import patchkit, wait_until
from tests.support.small import Running, apply, record_program, running

OLD = """
#include <stdio.h>
#include <stdlib.h>
struct item { struct item *next; int value; };
struct settings { int rounds; struct item *last; };
struct settings settings = {3, NULL};
static struct item *head;
static int *kept;
static int total(void)
{
    int sum = 0;
    for (struct item *item = head; item != NULL; item = item->next)
        sum += item->value;
    return sum;
}
static struct item *item_new(int value)
{
    struct item *item = calloc(1, sizeof(struct item));
    item->value = value;
    return item;
}
void item_free(struct item *item);
void item_free(struct item *item) { free(item); }
void tell(const char *line);
void tell(const char *line)
{
    if (line[0] == 'a') {
        struct item *item = item_new(atoi(line + 1));
        item->next = head;
        head = item;
        if (settings.last == NULL) {
            settings.last = item;
            kept = &item->value;
        }
    }
    printf("VERSION total %d rounds %d last %d kept %d\\n", total(), (int)settings.rounds,
           settings.last ? settings.last->value : 0, kept ? *kept : 0);
    fflush(stdout);
}
int main(void)
{
    char line[100];
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL)
        tell(line);
    return 0;
}
"""
NEW = (
    OLD.replace(
        "struct item { struct item *next; int value; };", "struct item { struct item *next; long more[4]; int value; };"
    )
    .replace("struct settings { int rounds;", "struct settings { long rounds;")
    .replace("VERSION", "new")
)
CONVERSION = """
#include <patchkit_migration.h>
#include "symbols.h"
pk_conversion pk_convert_rest_item;
int pk_transform_item(struct pk_migration *migration, const struct old_item *old, struct new_item *new);
int pk_transform_item(struct pk_migration *migration, const struct old_item *old, struct new_item *new) {
    if (pk_convert_rest_item(migration, old, new))
        return 1;
    BODY
    return 0;
}
"""
BAD = {
    "crashes": ("*(volatile int *)16 = 1;", "PKL122", "crashed"),
    "divides by zero": ("volatile int zero = 0; new->value = 7 / zero;", "PKL122", "crashed"),
    "never ends": ("for (volatile int go = 1; go;) { }", "PKL122", "took too long"),
    "writes behind its object": ("for (int at = 0; at < 24; at++) ((volatile char *)new)[48 + at] = 1;", "PKL122", ""),
    "writes before its object": ("((volatile long *)new)[-1] = 1;", "PKL122", "beside"),
    "aborts": ("extern void abort(void); abort();", "PKL122", "crashed"),
    "raises a signal": ("extern int raise(int); raise(11);", "PKL122", "crashed"),
    "calls itself without end": (
        "volatile char frame[512]; for (int at = 0; at < 512; at++) frame[at] = 90; "
        "pk_transform_item(migration, old, new); frame[0] = 1;",
        "PKL122",
        "crashed",
    ),
    "gives up": ("return 7;", "PKL121", "gave up with 7"),
    "refuses a value": ('return pk_refuse(migration, "item.value is odd", old->value);', "PKL121", "odd"),
}


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Both versions, recorded, and an update whose conversion is still to be written."""
    folder = tmp_path_factory.mktemp("conversions")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHKIT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        record_program(folder / "old", {"main.c": OLD.replace("VERSION", "old")})
        record_program(folder / "new", {"main.c": NEW})
        patchkit("new", "old", "new", "-o", "update", cwd=folder)
        for key, value in (
            ("allocator struct item", "malloc free malloc_usable_size"),
            ("initial struct item.more", "0"),
            ("code struct item", "transform.c"),
        ):
            done = patchkit("decide", key, value, "--reason", "test", "-u", "update", cwd=folder)
            assert done.code == 0, done.err
        yield folder


def bundle(folder: Path, body: str) -> Path:
    """Make the bundle with a conversion of items that also does `body`."""
    (folder / "update/transform.c").write_text(CONVERSION.replace("BODY", body))
    done = patchkit("bundle", "old", "new", "--update", "update", "-o", "update.pkb", cwd=folder)
    assert done.code == 0, done.out + done.err
    return folder / "update.pkb"


def fill(server: Running) -> None:
    server.wait_for("ready")
    for number in (1, 2, 3):
        server.send(f"a{number}\n")
    server.wait_for("old total 6 rounds 3 last 1 kept 1")


def answer(server: Running) -> str:
    """Ask for a line and return it."""
    seen = len(server.lines())
    server.send("tell\n")
    wait_until(lambda: len(server.lines()) > seen)
    return server.lines()[-1]


def test_state_moves_with_every_pointer_into_it(versions: Path) -> None:
    path = bundle(versions, "new->more[3] = 9;")
    with running(versions / "old/server", versions / "cache") as server:
        fill(server)
        done = apply(server.pid, path)
        assert done.code == 0, done.err
        server.send("tell\n")
        server.wait_for("new total 6 rounds 3 last 1 kept 1")
        server.send("a10\n")
        server.wait_for("new total 16 rounds 3 last 1 kept 1")


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("rehearsed", [True, False], ids=["rehearsed", "at once"])
def test_a_conversion_that_goes_wrong_changes_nothing(versions: Path, name: str, rehearsed: bool) -> None:
    body, rule, text = BAD[name]
    path = bundle(versions, body)
    with running(versions / "old/server", versions / "cache") as server:
        fill(server)
        for _ in range(1 if name == "never ends" else 2):
            done = apply(server.pid, path, *([] if rehearsed else ["--no-rehearsal"]))
            assert done.code == 1, done.err
            assert rule in done.err
            assert text in done.err
            assert answer(server) == "old total 6 rounds 3 last 1 kept 1"
        server.send("a10\n")
        server.wait_for("old total 16 rounds 3 last 1 kept 1")


RING = """
#include <stdio.h>
#include <stdlib.h>
struct item { LAYOUT };
static struct item *head;
static struct item *item_new(int value)
{
    struct item *item = calloc(1, sizeof(struct item));
    item->value = value;
    item->next = head ? head : item;
    item->previous = head ? head->previous : item;
    item->next->previous = item->previous->next = item;
    return item;
}
void tell(void);
void tell(void)
{
    struct item *item = head;
    printf("VERSION");
    do {
        printf(" %d", SHOWN);
        item = item->next;
    } while (item != head);
    puts("");
    fflush(stdout);
}
int main(void)
{
    char line[100];
    head = item_new(1);
    item_new(2);
    item_new(4);
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL)
        tell();
    return 0;
}
"""


def ring(version: str, layout: str, shown: str) -> str:
    return RING.replace("LAYOUT", layout).replace("VERSION", version).replace("SHOWN", shown)


def test_a_conversion_sees_the_others_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHKIT_CACHE", str(tmp_path / "cache"))
    old = ring("old", "struct item *next, *previous; int value, spare;", "item->value")
    new = ring("new", "int value, around; struct item *next, *previous;", "item->around")
    record_program(tmp_path / "old", {"main.c": old})
    record_program(tmp_path / "new", {"main.c": new})
    patchkit("new", "old", "new", "-o", "update", cwd=tmp_path)
    for key, value in (("initial struct item.around", "0"), ("code struct item", "transform.c")):
        done = patchkit("decide", key, value, "--reason", "test", "-u", "update", cwd=tmp_path)
        assert done.code == 0, done.err
    path = bundle(tmp_path, "new->around = old->next->value + old->previous->value;")
    with running(tmp_path / "old/server", tmp_path / "cache") as server:
        server.wait_for("ready")
        assert answer(server) == "old 1 2 4"
        done = apply(server.pid, path)
        assert done.code == 0, done.err
        assert answer(server) == "new 6 5 3"
