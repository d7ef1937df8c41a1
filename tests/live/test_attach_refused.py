"""Processes that `patchkit attach` leaves alone: each says why, names a rule, and goes on as before."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

from patchkit.live.failure import LiveError
from patchkit.live.known import Known
from patchkit.processes import attach
from tests.support import needs, patchkit, run, wait_until
from tests.support.attaching import attach_here, cache
from tests.support.live import ask
from tests.support.small import record_program, running

pytestmark = needs("cc", "make")
NOBODY = 65534
_SEIZE, _SYS_SECCOMP = 0x4206, 317

WAITS = r"""
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <signal.h>

int main(int count, char **arguments) {
    struct sock_filter let_all[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog filter = {1, let_all};
    const char *how = count > 1 ? arguments[1] : "";
    if (strcmp(how, "filtered") == 0) {
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
    }
    if (strcmp(how, "no-memory") == 0) {
        struct rlimit none = {1, 1};
        setrlimit(RLIMIT_AS, &none);
    }
    if (strcmp(how, "no-signals") == 0)
        for (int number = 34; number <= 64; number++)
            signal(number, SIG_IGN);
    if (strcmp(how, "nobody") == 0 && setuid(65534) != 0)
        return 1;
    write(1, "ready\n", 6);
    for (;;)
        pause();
}
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The recorded program."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHKIT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        yield record_program(tmp_path_factory.mktemp("waits"), {"main.c": WAITS})


def refused(pid: int, rule: str, said: str, cwd: Path) -> None:
    """Attaching is refused for that reason, and the process was not changed."""
    before = Path(f"/proc/{pid}/maps").read_text()
    done = ask("attach", pid, "--timeout", "1", cwd=cwd)
    assert (done.code, rule in done.err, said in done.err) == (2, True, True), done
    assert "hint: " in done.err
    assert Path(f"/proc/{pid}/maps").read_text() == before
    assert patchkit("explain", rule, cwd=cwd).code == 0


@pytest.mark.parametrize(
    ("how", "rule", "said"),
    [
        ("filtered", "PKL201", "seccomp"),
        ("no-memory", "PKL206", "no executable memory"),
        ("no-signals", "PKL206", "no real-time signal"),
    ],
)
def test_what_the_system_or_the_program_forbids(recorded: Path, how: str, rule: str, said: str) -> None:
    with running(recorded / "server", cache(), how, preload=False) as program:
        program.wait_for("ready")
        refused(program.pid, rule, said, recorded)
        assert program.alive()


def test_an_unknown_build_and_then_where_it_is_known(recorded: Path, tmp_path: Path) -> None:
    with running(recorded / "server", cache(), preload=False) as program:
        program.wait_for("ready")
        refused(program.pid, "PKL204", "no recording knows", tmp_path)
        assert ask("attach", program.pid, "--build", recorded, cwd=tmp_path).code == 0


def test_a_program_without_build_id(tmp_path: Path) -> None:
    folder = record_program(tmp_path, {"main.c": WAITS}, link="-Wl,--build-id=none")
    with running(folder / "server", cache(), preload=False) as program:
        program.wait_for("ready")
        refused(program.pid, "PKL204", "no build-id", folder)


def test_a_static_program(tmp_path: Path) -> None:
    folder = record_program(tmp_path, {"main.c": WAITS}, link="-static")
    with running(folder / "server", cache(), preload=False) as program:
        program.wait_for("ready")
        refused(program.pid, "PKL202", "statically", folder)


@contextmanager
def _traced(pid: int) -> Iterator[None]:
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.ptrace(_SEIZE, pid, None, None) == 0, os.strerror(ctypes.get_errno())
    yield


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
    yield
    os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize(
    ("made", "rule", "said"), [(_traced, "PKL201", "traces it already"), (_stopped, "PKL205", "is stopped")]
)
def test_a_process_that_somebody_else_holds(
    recorded: Path, made: Callable[[int], AbstractContextManager[None]], rule: str, said: str
) -> None:
    with ExitStack() as stack:
        program = stack.enter_context(running(recorded / "server", cache(), preload=False))
        program.wait_for("ready")
        with made(program.pid):
            refused(program.pid, rule, said, recorded)
        if made is _stopped:
            attach_here(program.pid, recorded)


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a program to another user needs root")
def test_a_setuid_program(recorded: Path, tmp_path: Path) -> None:
    program = tmp_path / "server"
    program.write_bytes((recorded / "server").read_bytes())
    os.chown(program, NOBODY, NOBODY)
    program.chmod(0o4755)
    with running(program, cache(), preload=False) as started:
        started.wait_for("ready")
        if int(Path(f"/proc/{started.pid}/status").read_text().partition("\nUid:")[2].split()[1]) != NOBODY:
            pytest.skip("the file system ignores setuid")
        refused(started.pid, "PKL201", "setuid", recorded)


@pytest.mark.skipif(os.geteuid() != 0, reason="being another user needs root")
def test_another_user_may_not(recorded: Path) -> None:
    with running(recorded / "server", cache(), preload=False) as program:
        program.wait_for("ready")
        assert _as_nobody(program.pid) == "PKL007"
        attach_here(program.pid, recorded)


def _as_nobody(pid: int) -> str:
    """Return the rule that refuses a user who is nobody. In a child: nobody may not even read this interpreter."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        said = "nothing"
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            attach(pid, Known(), 1.0, os.environ)
        except LiveError as problem:
            said = problem.code
        finally:
            os.write(writer, said.encode())
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with open(reader, encoding="ascii") as file:
        return file.read()


@pytest.mark.skipif(os.geteuid() != 0, reason="taking a capability away needs root")
@needs("setpriv")
def test_root_without_the_capability_to_trace_another_user(recorded: Path) -> None:
    with running(recorded / "server", cache(), "nobody", preload=False) as program:
        program.wait_for("ready")
        weak = ("setpriv", "--inh-caps=-sys_ptrace", "--bounding-set=-sys_ptrace")
        done = run(*weak, sys.executable, "-m", "patchkit", "attach", str(program.pid), cwd=recorded)
        assert (done.code, "PKL007" in done.err) == (2, True), done


def test_no_such_process_and_a_kernel_thread(tmp_path: Path) -> None:
    assert ask("attach", 4194303, cwd=tmp_path).code == 2
    assert ask("attach", 2, cwd=tmp_path).code == 2
