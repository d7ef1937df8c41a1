"""Functions that never return go on in the new version's code: what they mention may be renamed, removed or changed."""

import json
import os
import re
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from corpora.programs.loading import loading
from tests.support import Outcome, kvd, patchkit
from tests.support.chains import PROGRAMS, copy_source
from tests.support.live import runtime_preloaded
from tests.support.small import Running, apply, bundle, record_program, running

# What `turn` calls has another name in every version; while a line is waited for, main and turn are on the stack.
SERVER = """
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char line[64];
int served;

static __attribute__((noinline)) int next_line(void) {
    ssize_t got = read(0, line, sizeof line - 1);
    line[got > 0 ? got : 0] = 0;
    line[strcspn(line, "\\n")] = 0;
    return got > 0;
}

__attribute__((noinline)) void HANDLE(const char *text) {
    served++;
    printf("NUMBER says %s after %d\\n", text, served);
    fflush(stdout);
}

static __attribute__((noinline)) int turn(void) {
    int more = next_line();
    if (more)
        HANDLE(line);
    return more;
}

int main(void) {
    puts("ready");
    fflush(stdout);
    while (turn()) {
    }
    puts("end");
    return 0;
}
"""

THREADS = """
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static int pipes[2];

__attribute__((noinline)) void HANDLE(char letter) {
    printf("NUMBER got %c\\n", letter);
    fflush(stdout);
}

static void *work(void *unused) {
    char letter;
    (void)unused;
    puts("ready");
    fflush(stdout);
    while (read(pipes[0], &letter, 1) == 1)
        HANDLE(letter);
    return NULL;
}

int main(void) {
    pthread_t thread;
    char letter;
    if (pipe(pipes) || pthread_create(&thread, NULL, work, NULL))
        return 1;
    while (read(0, &letter, 1) == 1)
        if (letter != '\\n' && write(pipes[1], &letter, 1) != 1)
            return 1;
    return 0;
}
"""


def versions(tmp_path: Path, source: str, count: int, flags: str, link: str = "") -> tuple[list[Path], list[Path]]:
    """Record `count` versions of `source` and make the bundles from each to the next."""
    folders = []
    for number in range(1, count + 1):
        text = source.replace("NUMBER", f"v{number}").replace("HANDLE", f"handle_{number}")
        folders.append(record_program(tmp_path / f"v{number}", {"server.c": text}, flags=flags, link=link))
    bundles = []
    for old, new in pairwise(folders):
        bundles.append(tmp_path / f"{new.name}.pkb")
        done = bundle(old, new, bundles[-1])
        assert done.code == 0, done.err
    return folders, bundles


def ask(word: str, server: Running, *options: str) -> Outcome:
    """Run a command that asks `server`."""
    return patchkit(word, str(server.pid), *options, cwd=server.output.parent)


def cache() -> Path:
    """Where the runtime is built."""
    return Path(os.environ["PATCHKIT_CACHE"])


@pytest.mark.parametrize("flags", ["-O2 -g", "-O0 -g", "-O3 -g", "-Os -g", "-O2 -g -fno-pie"])
def test_a_loop_whose_callee_was_renamed_goes_on_in_the_new_code(flags: str, tmp_path: Path) -> None:
    folders, (path,) = versions(tmp_path, SERVER, 2, flags, "-no-pie" if "-fno-pie" in flags else "")
    with running(folders[0] / "server", cache()) as server:
        server.wait_for("ready")
        server.send("one\n")
        server.wait_for("v1 says one after 1")
        done = apply(server.pid, path)
        assert done.code == 0, done.err
        server.send("two\n")
        server.wait_for("v2 says two after 2")
        server.send("three\n")
        server.wait_for("v2 says three after 3")


def test_a_chain_of_updates_moves_the_loop_each_time_and_reverts_move_it_back(tmp_path: Path) -> None:
    folders, bundles = versions(tmp_path, SERVER, 4, "-O2 -g")
    with running(folders[0] / "server", cache()) as server:
        server.wait_for("ready")
        for number, path in enumerate(bundles, 2):
            done = apply(server.pid, path)
            assert done.code == 0, done.err
            server.send(f"{number}\n")
            server.wait_for(f"v{number} says {number} after {number - 1}")
        for number in (3, 2):
            done = ask("revert", server)
            assert done.code == 0, done.err
            server.send(f"back {number}\n")
            server.wait_for(f"v{number} says back {number} after {7 - number}")
        done = apply(server.pid, bundles[1])
        assert done.code == 0, done.err
        server.send("again\n")
        server.wait_for("v3 says again after 6")


def test_a_revert_to_the_executable_moves_frames_back_into_it(tmp_path: Path) -> None:
    folders, (path,) = versions(tmp_path, SERVER, 2, "-O2 -g")
    with running(folders[0] / "server", cache()) as server:
        server.wait_for("ready")
        for count, word in enumerate(["v2", "v1", "v2", "v1"], 1):
            done = apply(server.pid, path) if word == "v2" else ask("revert", server)
            assert done.code == 0, done.err
            server.send("x\n")
            server.wait_for(f"{word} says x after {count}")


def test_a_thread_s_root_goes_on_in_the_new_code(tmp_path: Path) -> None:
    folders, bundles = versions(tmp_path, THREADS, 3, "-O2 -g")
    with running(folders[0] / "server", cache()) as server:
        server.wait_for("ready")
        for number, path in enumerate(bundles, 2):
            done = apply(server.pid, path)
            assert done.code == 0, done.err
            server.send(f"{number}\n")
            server.wait_for(f"v{number} got {number}")


def test_a_rehearsal_moves_nothing_in_the_process(tmp_path: Path) -> None:
    folders, (path,) = versions(tmp_path, SERVER, 2, "-O2 -g")
    with running(folders[0] / "server", cache()) as server:
        server.wait_for("ready")
        done = ask("rehearse", server, str(path))
        assert done.code == 0, done.err
        server.send("one\n")
        server.wait_for("v1 says one after 1")


def test_a_loop_that_is_other_code_is_refused_as_before(tmp_path: Path) -> None:
    old = SERVER.replace("NUMBER", "v1").replace("HANDLE", "handle_1")
    new = SERVER.replace("NUMBER", "v2").replace("HANDLE", "handle_2").replace("if (more)", "if (more && served < 100)")
    folders = [record_program(tmp_path / name, {"server.c": text}) for name, text in (("v1", old), ("v2", new))]
    done = bundle(folders[0], folders[1], tmp_path / "a.pkb")
    assert done.code == 0, done.err
    with running(folders[0] / "server", cache()) as server:
        server.wait_for("ready")
        done = apply(server.pid, tmp_path / "a.pkb", "--timeout", "1")
        assert "PKL107" in done.err
        assert "turn" in done.err
        server.send("one\n")
        server.wait_for("v1 says one after 1")
        events = json.loads(ask("status", server, "--json").out)
        assert not events["updates"]


HELD = """
#include <stdio.h>
#include <unistd.h>

int served;

__attribute__((noinline)) void HANDLE(int *count, char letter) {
    printf("NUMBER got %c as %d\\n", letter, ++*count);
    fflush(stdout);
}

static __attribute__((noinline)) void loop(int *count, void (*call)(int *, char)) {
    char letter;
    while (read(0, &letter, 1) == 1)
        if (letter != '\\n')
            call(count, letter);
}

int main(void) {
    puts("ready");
    fflush(stdout);
    loop(&served, HANDLE);
    HANDLE(&served, 'x');
    return 0;
}
"""

# The loop is in main itself, which keeps what it calls in a register.
POINTER = (
    HELD.replace("static __attribute__((noinline)) void loop", "static inline void loop")
    .replace("loop(&served, HANDLE);", "void (*volatile kept)(int *, char) = HANDLE; loop(&served, kept);")
    .replace("HANDLE(&served, 'x');", "CALLED();")
    .replace("static inline", '__attribute__((noinline)) void CALLED(void) { puts("NUMBER ends"); }\n\nstatic inline')
)


def test_a_frame_that_keeps_the_address_of_what_is_gone_stays_and_the_update_is_refused(tmp_path: Path) -> None:
    """main mentions a function that is gone, and the register or slot of its loop holds that function's address."""
    text = POINTER.replace("HANDLE", "handle_NUMBER").replace("CALLED", "called_NUMBER")
    sides = [record_program(tmp_path / v, {"server.c": text.replace("NUMBER", v)}) for v in ("v1", "v2")]
    done = bundle(sides[0], sides[1], tmp_path / "update.pkb")
    assert done.code == 0, done.err
    with running(sides[0] / "server", cache()) as server:
        server.wait_for("ready")
        done = apply(server.pid, tmp_path / "update.pkb", "--timeout", "1")
        assert "PKL107" in done.err
        server.send("a\n")
        server.wait_for("v1 got a as 1")


def test_a_frame_that_keeps_the_address_of_what_stays_is_moved(tmp_path: Path) -> None:
    text = POINTER.replace("HANDLE", "handle").replace("CALLED", "called_NUMBER")
    sides = [record_program(tmp_path / v, {"server.c": text.replace("NUMBER", v)}) for v in ("v1", "v2")]
    done = bundle(sides[0], sides[1], tmp_path / "update.pkb")
    assert done.code == 0, done.err
    with running(sides[0] / "server", cache()) as server:
        server.wait_for("ready")
        done = apply(server.pid, tmp_path / "update.pkb")
        assert done.code == 0, done.err
        server.send("a\n")
        server.wait_for("v2 got a as 1")
        assert server.process.stdin is not None
        server.process.stdin.close()
        server.wait_for("v2 ends")


def renamed_kvd(folder: Path, version: str, **names: str) -> Path:
    """Record kvd's first version with functions renamed, in `folder`/version."""
    source = copy_source("kvd", "v1", folder / version)
    for path in source.iterdir():
        if path.suffix in (".c", ".h"):
            text = path.read_text()
            for old, new in names.items():
                text = re.sub(rf"\b{old}\b", new, text)
            path.write_text(text)
    done = patchkit("record", "--", "make", cwd=source, environ={"MAKEFLAGS": ""})
    assert done.code == 0, done.err
    return source


def test_a_server_s_loop_takes_renamed_functions_under_load_again_and_again(tmp_path: Path) -> None:
    """kvd waits in event_poll under main; main calls net_flush, event_poll and others directly."""
    names = [
        {},
        {"net_flush": "net_send", "event_poll": "loop_wait"},
        {"net_flush": "net_push", "event_poll": "poll_all"},
    ]
    sides = [renamed_kvd(tmp_path, f"v{number}", **each) for number, each in enumerate(names)]
    bundles = [tmp_path / "1.pkb", tmp_path / "2.pkb"]
    for path, (old, new) in zip(bundles, pairwise(sides), strict=True):
        done = bundle(old, new, path)
        assert done.code == 0, done.err
    with ExitStack() as stack:
        with runtime_preloaded(cache()):
            server = stack.enter_context(kvd.serving(sides[0] / "kvd", tmp_path))
        load = stack.enter_context(loading(PROGRAMS / "kvd/client.py", "--unixsocket", server.path))
        for path in bundles:
            load.wait_for_more()
            done = patchkit("apply", str(server.process.pid), str(path), cwd=tmp_path)
            assert done.code == 0, done.err
        load.wait_for_more()
        done = patchkit("revert", str(server.process.pid), cwd=tmp_path)
        assert done.code == 0, done.err
        load.wait_for_more()
        seen = load.finish()
        assert {name: seen[name] for name in ("wrong", "lost", "errors")} == {"wrong": 0, "lost": 0, "errors": 0}


# A thread's root that cannot be moved, since it may return a second time from where it was.
ROOTED = """
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <unistd.h>

static int pipes[2];

__attribute__((noinline)) void handle(char letter) {
    printf("NUMBER got %c\\n", letter);
    fflush(stdout);
}

static void *work(void *unused) {
    static jmp_buf place;
    char letter;
    (void)unused;
    if (setjmp(place))
        return NULL;
    puts("NUMBER works");
    fflush(stdout);
    while (read(pipes[0], &letter, 1) == 1)
        handle(letter);
    longjmp(place, 1);
}

int main(void) {
    pthread_t thread;
    char letter;
    if (pipe(pipes))
        return 1;
    puts("ready");
    fflush(stdout);
    while (read(0, &letter, 1) == 1) {
        if (letter == 't' && pthread_create(&thread, NULL, work, NULL))
            return 1;
        if (letter != 't' && letter != '\\n' && write(pipes[1], &letter, 1) != 1)
            return 1;
    }
    return 0;
}
"""


def test_code_that_an_update_brought_calls_what_the_next_one_brings(tmp_path: Path) -> None:
    """In an image functions call each other past their entries, which alone led on to the next version once."""
    folders, bundles = versions(tmp_path, ROOTED, 3, "-O2 -g")
    with running(folders[0] / "server", cache()) as server:
        server.wait_for("ready")
        assert apply(server.pid, bundles[0]).code == 0
        server.send("t\n")
        server.wait_for("v2 works")
        server.send("a\n")
        server.wait_for("v2 got a")
        done = apply(server.pid, bundles[1])
        assert done.code == 0, done.err
        server.send("b\n")
        server.wait_for("v3 got b")
        done = ask("revert", server)
        assert done.code == 0, done.err
        server.send("c\n")
        server.wait_for("v2 got c")
