"""Threads that wait in a system call go on waiting: no update cuts a call short, fails it or prolongs it much."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import wait_until
from tests.support.hazards import Versions, make_versions, said, shared_cache, source_of, updated
from tests.support.small import Running

UNBOUNDED = ("read", "accept", "epoll_wait", "poll", "condition", "futex", "semaphore", "sigwait", "waitpid")
# What the call returns at its end, as the program prints it.
BOUNDED = {
    "nanosleep": "0 -",
    "clock_nanosleep": "0 -",
    "usleep": "0 -",
    "poll": "0 -",
    "ppoll": "0 -",
    "select": "0 -",
    "epoll_wait": "0 -",
    "condition": "110 -",
    "semaphore": "-1 ETIMEDOUT",
    "futex": "-1 ETIMEDOUT",
    "sigtimedwait": "-1 EAGAIN",
}
# Linux does not say how long these have waited, so the first interruption lets them begin anew.
BEGIN_ANEW = ("usleep", "poll", "epoll_wait", "futex", "sigtimedwait")
LIMIT = 2500  # ms


@pytest.fixture(scope="module")
def waits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Versions]:
    """Three versions of a program that waits."""
    with shared_cache(tmp_path_factory):
        yield make_versions(tmp_path_factory.mktemp("waits"), source_of("waits.c"), 3)


def endings(server: Running) -> dict[str, tuple[str, int]]:
    """Return the result and the milliseconds of each call that has ended."""
    found = {}
    for line in server.lines():
        mode, _, rest = line.partition(" ended ")
        if rest:
            result, ms = rest.rsplit(" ", 1)
            found[mode] = result, int(ms)
    return found


def test_blocked_calls_go_on_and_end_as_they_would_have(waits: Versions) -> None:
    with waits.running("-1", *UNBOUNDED) as server:
        for mode in UNBOUNDED:
            server.wait_for(f"{mode} waits")
        for number, path in enumerate(waits.bundles, 2):
            updated(server, path)
            assert said(server, "say") == f"v{number}"
        assert endings(server) == {}
        server.send("wake\n")
        wait_until(lambda: len(endings(server)) == len(UNBOUNDED), seconds=10)
        results = {mode: result for mode, (result, _) in endings(server).items()}
        failed = {mode: result for mode, result in results.items() if result not in ("0 -", "1 -", "7 -")}
        assert failed == {}, results


def test_timed_calls_end_by_their_own_time(waits: Versions) -> None:
    with waits.running(str(LIMIT), *BOUNDED) as server:
        for mode in BOUNDED:
            server.wait_for(f"{mode} waits")
        for path in waits.bundles:
            updated(server, path)
        assert endings(server) == {}, "the machine is too slow for this test"
        wait_until(lambda: len(endings(server)) == len(BOUNDED), seconds=20)
        seen = endings(server)
        assert {mode: result for mode, (result, _) in seen.items()} == BOUNDED
        # The time that all stood still, and what the machine's other work takes.
        most = {mode: (2 * LIMIT if mode in BEGIN_ANEW else LIMIT) + 300 for mode in BOUNDED}
        assert {mode: ms for mode, (_, ms) in seen.items() if not LIMIT <= ms <= most[mode]} == {}


WAITS_IN_WHAT_CHANGED = r"""
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { v1, v2 };
static int mode;
static const struct timespec tenth = {0, 100000000};

__attribute__((noinline)) int turn(void) {
    int result = mode == 0   ? poll(NULL, 0, 100)
                 : mode == 1 ? usleep(100000)
                 : mode == 2 ? nanosleep(&tenth, NULL)
                             : clock_nanosleep(CLOCK_MONOTONIC, 0, &tenth, NULL);
    if (VERSION > v1) /* other code, so a frame of the old cannot go on in the new */
        time(NULL);
    return dprintf(1, "VERSION after %d\n", result);
}

__attribute__((noinline)) void rest(void) {
    struct timespec time = tenth;
    nanosleep(&time, &time);
}

int main(int count, char **words) {
    mode = atoi(words[count - 1]);
    for (;;) {
        turn();
        rest();
    }
}
"""


def test_a_wait_that_an_update_asks_again_and_again_comes_to_its_end(tmp_path: Path) -> None:
    versions = make_versions(tmp_path, WAITS_IN_WHAT_CHANGED)
    for mode in ("0", "1", "2", "3"):
        with versions.running(mode) as server:
            server.wait_for("v1 after 0")
            updated(server, versions.bundles[0], "--timeout", "5")
            server.wait_for_new("v2 after 0")
