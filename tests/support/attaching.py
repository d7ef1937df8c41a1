"""Processes that were started without the runtime, and ways to bring it in: whole, cut short, or many at once."""

import os
import subprocess
from pathlib import Path

from patchkit.live.known import known_builds
from patchkit.processes import Attached, attach
from patchkit.runtime import attacher, library
from tests.support import run, write_tree

# Counts the calls that reach into another process and ends its own process, as `kill -9` does, right before or right
# after the one whose number it is given.
_KILLER = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static void count(void) {
    static int calls;
    const char *last = getenv("KILL_AT");
    if (last && ++calls == atoi(last))
        kill(getpid(), SIGKILL);
}

long ptrace(enum __ptrace_request request, ...) {
    va_list arguments;
    va_start(arguments, request);
    pid_t pid = va_arg(arguments, pid_t);
    void *address = va_arg(arguments, void *), *data = va_arg(arguments, void *);
    va_end(arguments);
    long (*real)(long, pid_t, void *, void *);
    *(void **)&real = dlsym(RTLD_NEXT, "ptrace");
    count();
    long result = real(request, pid, address, data);
    count();
    return result;
}

ssize_t pwrite(int file, const void *from, size_t size, off_t place) {
    ssize_t (*real)(int, const void *, size_t, off_t);
    *(void **)&real = dlsym(RTLD_NEXT, "pwrite");
    count();
    ssize_t result = real(file, from, size, place);
    count();
    return result;
}

pid_t waitpid(pid_t pid, int *status, int options) {
    pid_t (*real)(pid_t, int *, int);
    *(void **)&real = dlsym(RTLD_NEXT, "waitpid");
    pid_t result = real(pid, status, options);
    if (result > 0)
        count();
    return result;
}
"""


def cache() -> Path:
    """The cache of this run."""
    return Path(os.environ["PATCHKIT_CACHE"])


def attach_here(pid: int, recorded: Path) -> Attached:
    """Attach in this very process, which is quicker than the command; raises as that would report."""
    return attach(pid, known_builds([recorded], cache()), 10.0, os.environ)


def killer(folder: Path) -> Path:
    """Return the library that kills what it is preloaded into at the call number KILL_AT."""
    source = write_tree(folder, {"killer.c": _KILLER}) / "killer.c"
    made = run("cc", "-shared", "-fPIC", "-O1", "-o", "killer.so", str(source), "-ldl", cwd=folder)
    assert made.code == 0, made.err
    return folder / "killer.so"


def attach_and_die(pid: int, at: int, preload: Path) -> "subprocess.CompletedProcess[str]":
    """Run the program that attaches and kill it at its call number `at`; it may end before."""
    environ = {**os.environ, "LD_PRELOAD": str(preload), "KILL_AT": str(at)}
    return _attacher(pid, environ)


def _attacher(pid: int, environ: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    words = [str(attacher(cache())), str(pid), str(library(cache())), "5000", "", ""]
    return subprocess.run(words, env=environ, capture_output=True, encoding="utf-8", timeout=60, check=False)


def start_attaching(pid: int) -> "subprocess.Popen[bytes]":
    """Start the program that attaches and do not wait for it."""
    words = [str(attacher(cache())), str(pid), str(library(cache())), "5000", "", ""]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
