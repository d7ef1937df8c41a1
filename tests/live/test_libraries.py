"""A new version that needs a library which is not loaded: a thread that waits loads it, if it exists."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import run
from tests.support.hazards import ask, cache, said, shared_cache, updated
from tests.support.small import Running, bundle, record_program, running

SOURCE = """
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef NEEDS
int answer(int);
#endif

static int compute(int x) {
#ifdef NEEDS
    return answer(x);
#else
    return x;
#endif
}

static void *wait_for_ever(void *unused) {
    for (;;)
        pause();
    return unused;
}

static int by_number(const void *a, const void *b) {
    char line[64];
    if (read(0, line, sizeof line) < 0)
        abort();
    return *(const int *)a - *(const int *)b;
}

__attribute__((noinline)) static void turn(char letter, char next) {
    pthread_t thread;
    int numbers[2] = {2, 1};
    if (letter == 't' && pthread_create(&thread, NULL, wait_for_ever, NULL))
        abort();
    if (letter == 's' && next == 'o')
        qsort(numbers, 2, sizeof *numbers, by_number);
    printf("VERSION %d %d\\n", compute(20), errno);
    fflush(stdout);
}

/* `say` computes; `sort` waits for a line in the middle of a function of the C library; `thread` starts one to wait. */
int main(void) {
    char line[64];
    printf("ready\\n");
    fflush(stdout);
    errno = 7;
    while (read(0, line, sizeof line) > 0) {
        turn(line[0], line[1]);
        errno = 7;
    }
    return 0;
}
"""

# What starts with it may start threads, which must not inherit that all signals are blocked.
LIBRARY = """
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

static int unblocked;

static void *look(void *unused) {
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    unblocked = !sigismember(&blocked, SIGTERM);
    return unused;
}

__attribute__((constructor)) static void start(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, look, NULL) || pthread_join(thread, NULL))
        abort();
}

int answer(int x) { return x + 20 + 2 * unblocked; }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two versions, of which the second needs libanswer.so.1 in the folder `there`, and the bundle."""
    place = tmp_path_factory.mktemp("libraries")
    with shared_cache(tmp_path_factory):
        (place / "there").mkdir()
        (place / "answer.c").write_text(LIBRARY)
        command = ["cc", "-shared", "-fPIC", "-Wl,-soname,libanswer.so.1", "-o", "there/libanswer.so.1", "answer.c"]
        assert run(*command, cwd=place).code == 0
        record_program(place / "v1", {"server.c": SOURCE.replace("VERSION", "v1")})
        link = f"-Wl,--no-as-needed {place}/there/libanswer.so.1"
        record_program(place / "v2", {"server.c": "#define NEEDS\n" + SOURCE.replace("VERSION", "v2")}, link=link)
        done = bundle(place / "v1", place / "v2", place / "v2.pkb")
        assert done.code == 0, done.err
        yield place


def has_it(server: Running) -> bool:
    """Whether the library is loaded."""
    return "libanswer" in Path(f"/proc/{server.pid}/maps").read_text()


def test_it_is_loaded_where_it_exists_and_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", str(folder / "there"))
    with running(folder / "v1/server", cache()) as server:
        server.wait_for("ready")
        assert said(server, "say") == "v1 20 7"
        assert not has_it(server)
        updated(server, folder / "v2.pkb")
        assert has_it(server)
        assert said(server, "say") == "v2 42 7"
        assert ask("revert", server.pid).code == 0
        assert said(server, "say") == "v1 20 7"
        updated(server, folder / "v2.pkb")
        assert said(server, "say") == "v2 42 7"
        assert "loaded libanswer.so.1" in ask("log", server.pid).out


def test_a_rehearsal_leaves_no_library_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", str(folder / "there"))
    with running(folder / "v1/server", cache()) as server:
        server.wait_for("ready")
        done = ask("rehearse", server.pid, folder / "v2.pkb")
        assert done.code == 0, done.err
        assert not has_it(server)
        assert said(server, "say") == "v1 20 7"


def test_where_it_does_not_exist_the_loader_says_so_and_all_goes_on(folder: Path) -> None:
    with running(folder / "v1/server", cache()) as server:
        server.wait_for("ready")
        done = ask("apply", server.pid, folder / "v2.pkb")
        assert done.code == 1
        assert "PKI504" in done.err
        assert "libanswer.so.1: cannot open shared object file" in done.err
        assert said(server, "say") == "v1 20 7"


def test_a_thread_in_the_middle_of_a_library_s_function_loads_nothing_another_one_does(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", str(folder / "there"))
    with running(folder / "v1/server", cache()) as server:
        server.wait_for("ready")
        server.send("sort\n")
        done = ask("apply", server.pid, folder / "v2.pkb")
        assert (done.code, "no thread of the process waits where it could load it" in done.err) == (1, True), done
        assert said(server, "on") == "v1 20 7"
        assert said(server, "thread") == "v1 20 7"
        server.send("sort\n")
        done = ask("apply", server.pid, folder / "v2.pkb", "--timeout", "1")
        assert "PKL107" in done.err  # `turn`, which changed, still sorts
        assert "loaded libanswer.so.1" in ask("log", server.pid).out
        assert not has_it(server)
        assert said(server, "on") == "v1 20 7"
        updated(server, folder / "v2.pkb")
        assert said(server, "say") == "v2 42 7"
