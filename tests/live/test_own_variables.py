"""Variables that each thread has of its own: they stay in their places, and lead to where objects are."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import patchkit
from tests.support.small import Running, apply, authored_bundle, record_program, running

OLD = """
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#define WIDTH 3
struct item { struct item *next; int value; };
unsigned long counts[4][WIDTH];
static _Thread_local unsigned long *own;
static _Thread_local struct { struct item *first, *last; } items;
_Thread_local struct item *spare;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static int turn;

struct item *item_new(int value);
struct item *item_new(int value)
{
    struct item *item = calloc(1, sizeof *item);
    item->value = value;
    return item;
}

void item_free(struct item *item);
void item_free(struct item *item) { free(item); }

__attribute__((noinline)) void thread_begin(int number);
void thread_begin(int number)
{
    own = counts[number];
    own[1] = 100 * number;
    items.first = item_new(number);
    items.last = items.first->next = item_new(number + 10);
    spare = items.last;
}

__attribute__((noinline)) void tell(int number);
void tell(int number)
{
    own[1]++;
    printf("VERSION %d counts %lu %lu own %d items %d %d same %d\\n", number, counts[number][1], counts[number][0],
           (int)(own - counts[0]), items.first->value, items.last->value, spare == items.first->next);
    fflush(stdout);
}

static void *serve(void *number)
{
    thread_begin((int)(long)number);
    pthread_mutex_lock(&lock);
    for (;;) {
        while (turn != (int)(long)number)
            pthread_cond_wait(&change, &lock);
        tell((int)(long)number);
        turn = 0;
        pthread_cond_broadcast(&change);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[2];
    thread_begin(3);
    for (long number = 1; number <= 2; number++)
        pthread_create(&threads[number - 1], NULL, serve, (void *)number);
    puts("ready");
    fflush(stdout);
    for (int letter; (letter = getchar()) != EOF;) {
        if (letter == '3')
            tell(3);
        if (letter < '1' || letter > '2')
            continue;
        pthread_mutex_lock(&lock);
        turn = letter - '0';
        pthread_cond_broadcast(&change);
        while (turn)
            pthread_cond_wait(&change, &lock);
        pthread_mutex_unlock(&lock);
    }
    return 0;
}
"""
NEW = OLD.replace("#define WIDTH 3", "#define WIDTH 5").replace("int value; };", "long more[4]; int value; };")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Both versions, recorded, and the bundle of an update that grows an array's rows and every item."""
    folder = tmp_path_factory.mktemp("own")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHKIT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        for name, text in (("old", OLD), ("new", NEW)):
            record_program(folder / name, {"main.c": text.replace("VERSION", name)}, flags="-O2 -g -pthread")
        answers = {"allocator struct item": "malloc free", "down accept PKD201:variable:counts": "yes"}
        authored_bundle(folder, "new", answers)
        yield folder


def tell_all(server: Running, version: str, count: int, width: int) -> None:
    """Each thread counts in its own row, and finds its own items."""
    for number in (1, 2, 3):
        server.send(f"{number}\n")
        own = f"counts {100 * number + count} 0 own {width * number}"
        server.wait_for(f"{version} {number} {own} items {number} {number + 10} same 1")


def test_every_thread_s_own_pointers_lead_to_what_moved_and_back(folder: Path) -> None:
    with running(folder / "old/server", folder / "cache") as server:
        server.wait_for("ready")
        tell_all(server, "old", 1, 3)
        for times in (0, 1):
            done = apply(server.pid, folder / "update.pkb")
            assert done.code == 0, done.err
            tell_all(server, "new", 2 + 2 * times, 5)
            done = patchkit("revert", str(server.pid), cwd=folder)
            assert done.code == 0, done.err
            tell_all(server, "old", 3 + 2 * times, 3)
