"""Whoever attaches is killed at any moment: the process goes on, and the next attempt succeeds."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchkit.live.process import find_process
from tests.support import needs
from tests.support.attaching import attach_and_die, attach_here, cache, killer, start_attaching
from tests.support.small import Running, apply, bundle, record_program, running

pytestmark = needs("cc", "make")

# `computes`: holds known values in all registers and below the stack pointer and looks at them all the time, while a
# timer's signals come in. `calls`: sleeps, writes and reads in turn in two threads and checks what it reads. Both end
# with SIGABRT at the first thing that is not as it was.
CHECKS = r"""
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile unsigned long alarms;
static int ends[2];

__attribute__((noinline)) const char *version(void) { return "%s"; }

static void on_alarm(int signal) { alarms += (unsigned long)signal; }

static unsigned long hold(unsigned long rounds) {
    unsigned long wrong;
    __asm__ volatile(
        "mov %%1, %%%%rax\n mov $0x11, %%%%ebx\n mov $0x22, %%%%ecx\n mov $0x33, %%%%edx\n mov $0x44, %%%%esi\n"
        "mov $0x55, %%%%edi\n mov $0x66, %%%%r8d\n mov $0x77, %%%%r9d\n mov $0x88, %%%%r10d\n mov $0x99, %%%%r11d\n"
        "mov $0xaa, %%%%r12d\n mov $0xbb, %%%%r13d\n mov $0xcc, %%%%r14d\n"
        "movq $0xdd, -16(%%%%rsp)\n movq $0xee, -128(%%%%rsp)\n"
        "1: cmp $0x11, %%%%rbx\n jne 2f\n cmp $0x22, %%%%rcx\n jne 2f\n cmp $0x33, %%%%rdx\n jne 2f\n"
        "cmp $0x44, %%%%rsi\n jne 2f\n cmp $0x55, %%%%rdi\n jne 2f\n cmp $0x66, %%%%r8\n jne 2f\n"
        "cmp $0x77, %%%%r9\n jne 2f\n cmp $0x88, %%%%r10\n jne 2f\n cmp $0x99, %%%%r11\n jne 2f\n"
        "cmp $0xaa, %%%%r12\n jne 2f\n cmp $0xbb, %%%%r13\n jne 2f\n cmp $0xcc, %%%%r14\n jne 2f\n"
        "cmpq $0xdd, -16(%%%%rsp)\n jne 2f\n cmpq $0xee, -128(%%%%rsp)\n jne 2f\n"
        "dec %%%%rax\n jnz 1b\n mov $0, %%%%r15d\n jmp 3f\n 2: mov $1, %%%%r15d\n 3: mov %%%%r15, %%0\n"
        : "=m"(wrong)
        : "m"(rounds)
        : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory",
          "cc");
    return wrong;
}

static void say(unsigned long round) {
    if (round %% 20 == 0)
        dprintf(1, "%%s\n", version());
}

static void *read_all(void *unused) {
    for (unsigned long expected = 0, got; ; expected++)
        if (read(ends[0], &got, sizeof got) != sizeof got || got != expected)
            abort();
    return unused;
}

static void call(void) {
    pthread_t reader;
    if (pipe(ends) || pthread_create(&reader, NULL, read_all, NULL))
        abort();
    for (unsigned long round = 0;; round++) {
        struct timespec pause = {0, 500000};
        int result = clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
        if ((result && result != EINTR) || write(ends[1], &round, sizeof round) != sizeof round)
            abort();
        say(round);
    }
}

int main(int count, char **arguments) {
    struct itimerval often = {{0, 700}, {0, 700}};
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    if (count < 2)
        return 1;
    if (strcmp(arguments[1], "calls") == 0)
        call();
    for (unsigned long round = 0;; round++) {
        if (hold(100000))
            abort();
        usleep(0);
        say(round);
    }
}
"""
MODES = ("computes", "calls")
MOST_CALLS = 1000


@pytest.fixture(scope="module")
def checking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two recorded versions of the program, and the bundle between them."""
    folder = tmp_path_factory.mktemp("checking")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHKIT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        for version in ("one", "two"):
            record_program(folder / version, {"main.c": CHECKS % version})
        done = bundle(folder / "one", folder / "two", folder / "next.pkb")
        assert done.code == 0, done.err
        yield folder


def is_attached(program: Running) -> bool:
    """Whether the process holds the runtime."""
    return find_process(program.pid).marker is not None


def check(program: Running, folder: Path) -> None:
    """The process runs as version one, can be attached to, updated, and runs as version two."""
    program.wait_for_new("one")
    attach_here(program.pid, folder / "one")
    done = apply(program.pid, folder / "next.pkb")
    assert done.code == 0, done.err
    program.wait_for_new("two")
    assert set(program.lines()) == {"one", "two"}


@pytest.mark.parametrize("mode", MODES)
def test_killed_before_and_after_each_call_the_process_goes_on(checking: Path, mode: str, tmp_path: Path) -> None:
    preload, at = killer(tmp_path), 1
    killed = 0
    while at < MOST_CALLS:
        with running(checking / "one/server", cache(), mode, preload=False) as program:
            program.wait_for("one")
            while at < MOST_CALLS and not is_attached(program):
                done = attach_and_die(program.pid, at, preload)
                if done.returncode == 0:
                    at = MOST_CALLS
                killed += done.returncode < 0
                at += 1
                program.wait_for_new("one")
            check(program, checking)
    assert killed >= 40


@pytest.mark.parametrize("mode", MODES)
def test_killed_at_any_time_the_process_goes_on(checking: Path, mode: str) -> None:
    _kill_at_random(checking, mode, 40)


@pytest.mark.campaign
@pytest.mark.parametrize("mode", MODES)
def test_killed_at_any_time_and_very_often(checking: Path, mode: str) -> None:
    for _ in range(50):
        _kill_at_random(checking, mode, 100)


def _kill_at_random(folder: Path, mode: str, times: int) -> None:
    with running(folder / "one/server", cache(), mode, preload=False) as program:
        program.wait_for("one")
        for _ in range(times):
            client = start_attaching(program.pid)
            time.sleep(random.uniform(0, 0.004))  # the moment is what is being tried
            client.kill()
            client.wait()
            assert program.alive()
            if is_attached(program):
                break
        check(program, folder)
