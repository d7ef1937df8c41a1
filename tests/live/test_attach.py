"""`patchkit attach`: the runtime comes into processes that were started without it, and nothing else changes."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from corpora.programs.loading import loading
from tests.support import kvd, needs, servers, wait_until
from tests.support.attaching import attach_here, cache
from tests.support.chains import PROGRAMS
from tests.support.live import ask, make_chain
from tests.support.small import Running, apply, bundle, record_program, running

pytestmark = needs("cc", "make")

# Works without a system call in the allocator, and says from time to time which version it is.
ALLOCATES = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((noinline)) const char *version(void) { return "%s"; }

int main(void) {
    void *kept[64] = {0};
    unsigned seed = 1;
    for (unsigned long rounds = 0;; rounds++) {
        seed = seed * 1103515245 + 12345;
        unsigned slot = (seed >> 16) %% 64, size = (seed >> 8) %% 5000 + 8;
        free(kept[slot]);
        kept[slot] = malloc(size);
        memset(kept[slot], (int)slot, size);
        if (rounds %% 200000 == 0) {
            printf("%%s\\n", version());
            fflush(stdout);
        }
        if (rounds %% 1000 == 0)
            usleep(0);
    }
}
"""

# Waits in the call that it is told; none may come back, since nobody sends what it waits for.
WAITS = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int pipes[2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void said(const char *what, long result) {
    dprintf(1, "%s came back: %ld %s\n", what, result, result < 0 ? strerror(errno) : "");
}
static void in_read(void) { char c; said("read", read(pipes[0], &c, 1)); }
static void in_poll(void) { struct pollfd p = {pipes[0], POLLIN, 0}; said("poll", poll(&p, 1, 1000000)); }
static void in_select(void) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pipes[0], &set);
    struct timeval limit = {1000, 0};
    said("select", select(pipes[0] + 1, &set, NULL, NULL, &limit));
}
static void in_epoll(void) {
    struct epoll_event event;
    said("epoll_wait", epoll_wait(epoll_create1(0), &event, 1, -1));
}
static void in_sleep(void) { struct timespec t = {1000, 0}; said("nanosleep", nanosleep(&t, &t)); }
static void in_pause(void) { said("pause", pause()); }
static void in_sigwait(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    said("sigwaitinfo", sigwaitinfo(&set, NULL));
}
static void in_recv(void) {
    int ends[2];
    char c;
    struct timeval limit = {1000, 0};
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    said("recv", recv(ends[0], &c, 1, 0));
}
static void in_semop(void) {
    struct sembuf take = {0, -1, 0};
    int set = semget(IPC_PRIVATE, 1, 0600);
    said("semop", semop(set, &take, 1));
    semctl(set, 0, IPC_RMID);
}
static void in_lock(void) { said("lock", pthread_mutex_lock(&mutex)); }

int main(int count, char **arguments) {
    static struct { const char *name; void (*run)(void); } calls[] = {
        {"read", in_read}, {"poll", in_poll}, {"select", in_select}, {"epoll_wait", in_epoll}, {"nanosleep", in_sleep},
        {"pause", in_pause}, {"sigwaitinfo", in_sigwait}, {"recv", in_recv}, {"semop", in_semop}, {"lock", in_lock}};
    if (pipe(pipes) || count < 2)
        return 1;
    pthread_mutex_lock(&mutex);
    dprintf(1, "waits\n");
    for (unsigned i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (strcmp(arguments[1], calls[i].name) == 0)
            calls[i].run();
}
"""
CALLS = ("read", "poll", "select", "epoll_wait", "nanosleep", "pause", "sigwaitinfo", "recv", "semop", "lock")


@pytest.fixture(scope="module", autouse=True)
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let what the module's fixtures make lie in the cache that the tests use."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHKIT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        yield


@pytest.fixture(scope="module")
def allocating(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recorded versions of a program that allocates, and the bundle from one to the other."""
    folder = tmp_path_factory.mktemp("allocating")
    for version in ("one", "two"):
        record_program(folder / version, {"main.c": ALLOCATES % version})
    done = bundle(folder / "one", folder / "two", folder / "next.pkb")
    assert done.code == 0, done.err
    return folder


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded program that waits in one call."""
    return record_program(tmp_path_factory.mktemp("waiting"), {"main.c": WAITS})


@pytest.mark.parametrize("program", ["kvd", "cached"])
def test_servers_are_attached_to_and_walked_under_load_and_lose_nothing(
    program: str, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    chain = make_chain(program, tmp_path_factory.mktemp(program))
    client = PROGRAMS / program / "client.py"
    with ExitStack() as stack:
        if program == "kvd":
            server = stack.enter_context(kvd.serving(chain.binary, tmp_path))
            pid, where = server.process.pid, ("--unixsocket", server.path)
        else:
            other = stack.enter_context(servers.serving(chain.binary, client, tmp_path, "--threads", "4"))
            pid, where = other.process.pid, ("--port", str(other.port))
        load = stack.enter_context(loading(client, *where))
        assert ask("apply", pid, chain.bundles[0], cwd=tmp_path).code == 2
        done = ask("attach", pid, cwd=chain.folder)
        assert done.code == 0, done.err
        assert "holds the runtime now" in done.out
        for each in chain.bundles:
            load.wait_for_more()
            done = ask("apply", pid, each, cwd=tmp_path)
            assert done.code == 0, done.err
        done = ask("revert", pid, cwd=tmp_path)
        assert done.code == 0, done.err
        load.wait_for_more()
        facts = json.loads(ask("status", pid, "--json", cwd=tmp_path).out)
        assert len(facts["updates"]) == len(chain.bundles)
        assert "switched" in ask("log", pid, cwd=tmp_path).out
        seen = load.finish()
        faults = {name: seen[name] for name in ("wrong", "lost", "errors", "lost_connections", "reconnects")}
        assert faults == dict.fromkeys(faults, 0), seen


def test_a_program_in_the_allocator_is_attached_to_fifty_times_and_goes_on(allocating: Path) -> None:
    for _ in range(50):
        with running(allocating / "one/server", cache(), preload=False) as program:
            program.wait_for("one")
            assert not attach_here(program.pid, allocating / "one").was_there
            program.wait_for_new("one")


def test_what_was_attached_to_is_updated_and_taken_back(allocating: Path) -> None:
    with running(allocating / "one/server", cache(), preload=False) as program:
        program.wait_for("one")
        attach_here(program.pid, allocating / "one")
        done = apply(program.pid, allocating / "next.pkb")
        assert done.code == 0, done.err
        program.wait_for_new("two")
        assert ask("revert", program.pid, cwd=allocating).code == 0
        program.wait_for_new("one")


def test_a_second_time_is_success_and_changes_nothing(allocating: Path) -> None:
    with running(allocating / "one/server", cache(), preload=False) as program:
        program.wait_for("one")
        for said in ("holds the runtime now", "nothing was changed"):
            done = ask("attach", program.pid, cwd=allocating)
            assert done.code == 0, done.err
            assert said in done.out
        maps = Path(f"/proc/{program.pid}/maps").read_text()
        assert maps.count("memfd:patchkit") == 1


def test_of_several_at_once_one_brings_it(allocating: Path) -> None:
    with running(allocating / "one/server", cache(), preload=False) as program:
        program.wait_for("one")
        with ThreadPoolExecutor(6) as pool:
            done = list(pool.map(lambda _: attach_here(program.pid, allocating / "one"), range(6)))
        assert [each.was_there for each in done].count(False) == 1
        assert Path(f"/proc/{program.pid}/maps").read_text().count("memfd:patchkit") == 1
        program.wait_for_new("one")


@pytest.mark.parametrize("call", CALLS)
def test_a_thread_that_waits_goes_on_waiting(waiting: Path, call: str) -> None:
    with running(waiting / "server", cache(), call, preload=False) as program:
        program.wait_for("waits")
        wait_until(lambda: _state(program.pid) == "S")
        attach_here(program.pid, waiting)
        wait_until(lambda: _state(program.pid) == "S")
        assert program.lines() == ["waits"]
        assert program.alive()


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_the_library_need_not_be_visible_in_the_process(allocating: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("making a mount namespace needs root")
    output = tmp_path / "out"
    hide = f"mount -t tmpfs none {cache()} && exec {allocating}/one/server"
    with output.open("wb") as file:
        process = subprocess.Popen(["unshare", "--mount", "sh", "-c", hide], stdout=file, stderr=file)
    program = Running(process, output)
    try:
        wait_until(lambda: program.lines()[:1] != [] or process.poll() is not None)
        if not program.alive():
            pytest.skip(f"no mount namespace here: {program.lines()}")
        attach_here(program.pid, allocating / "one")
        assert apply(program.pid, allocating / "next.pkb").code == 0
        program.wait_for_new("two")
    finally:
        process.kill()
        process.wait()


def test_children_hold_it_too(tmp_path: Path) -> None:
    source = r"""
#include <stdio.h>
#include <unistd.h>
int main(void) {
    char line[8];
    dprintf(1, "ready\n");
    while (read(0, line, 1) > 0)
        if (fork() == 0)
            for (dprintf(1, "child %d\n", getpid());; pause());
}
"""
    folder = record_program(tmp_path, {"main.c": source})
    with running(folder / "server", cache(), preload=False) as program:
        program.wait_for("ready")
        attach_here(program.pid, folder)
        program.send("x")
        wait_until(lambda: len(program.lines()) == 2)
        child = int(program.lines()[1].split()[1])
        try:
            done = ask("status", child, cwd=folder)
            assert done.code == 0, done.err
        finally:
            os.kill(child, signal.SIGKILL)
