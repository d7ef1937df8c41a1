"""Getting through to a runtime: where its socket is, whether its signal may be sent, and what stands in the way."""

import errno
import fcntl
import os
import socket
import struct
from pathlib import Path

from patchkit.errors import InputError
from patchkit.live.failure import LiveError
from patchkit.live.process import Process, environment, still_there
from patchkit.live.wire import PROTOCOL

_SECOND = 32  # glibc's SIGCANCEL
_WAKE = 0x70617463  # what it carries
_INFORMATION = struct.Struct("<iiiiiIQ")  # siginfo_t: signal, error, code (SI_QUEUE), padding, pid, uid, value
_PIDFD_INFO = struct.Struct("=Q52xi")  # struct pidfd_info: what is asked and told, 12 more members, wait status
_PIDFD_INFO_EXIT, _PIDFD_GET_INFO = 1 << 3, 0xC040FF0B
_TGSIGQUEUEINFO, _SIGTIMEDWAIT = 297, "128"  # system calls of x86-64


def directories(process: Process) -> list[Path]:
    """Return where the control socket of `process` may lie, as seen from here, in the order in which it chooses."""
    user = process.inner_user
    inside = [f"/run/user/{user}/patchkit", f"/tmp/patchkit-{user}"]
    if own := environment(process, "PATCHKIT_RUN_DIR"):
        inside.insert(0, own)
    root = Path(f"/proc/{process.pid}/root")
    return [root / path.lstrip("/") for path in inside if path.startswith("/")]


def open_pidfd(process: Process) -> int:
    """Return a descriptor that stands for `process` for ever; raises InputError where it has ended."""
    try:
        pidfd = os.pidfd_open(process.pid)
    except ProcessLookupError as problem:
        raise InputError(f"{process.named} has ended") from problem
    if not still_there(process):
        os.close(pidfd)
        raise InputError(f"{process.named} has ended")
    return pidfd


def check_reachable(process: Process) -> None:
    """Raise LiveError where `process` has no runtime that we can ask."""
    if process.marker is None:
        raise LiveError(
            "PKL001",
            f"{process.named} does not hold patchkit's runtime",
            hint=f"bring it in with `patchkit attach {process.pid}`, or start it with `patchkit run -- COMMAND`",
        )
    if process.marker.abi != PROTOCOL:
        raise LiveError(
            "PKL008",
            f"{process.named} holds a runtime with interface {process.marker.abi}, and this patchkit knows {PROTOCOL}",
            hint="use the patchkit that its runtime came with",
        )
    if not process.catches:
        raise runtime_off(process)
    if os.geteuid() not in (0, process.user):
        raise LiveError(
            "PKL007",
            f"{process.named} belongs to user {process.user}; only that user and root may ask it",
            hint="run this as that user or as root",
        )


def runtime_off(process: Process) -> LiveError:
    """Return the error for a runtime that must not be sent its signal."""
    assert process.marker is not None
    return LiveError(
        "PKL002",
        f"{process.named} holds patchkit's runtime but does not catch signal {process.marker.signal}, which wakes it",
        hint="what the process wrote to standard error when it started may say why the runtime is off",
    )


def catches(pid: int, number: int) -> bool:
    """Whether process `pid` catches signal `number` now."""
    return bool(_mask(f"/proc/{pid}/status", "SigCgt") >> (number - 1) & 1)


def is_safe_to_send(pid: int, number: int) -> bool:
    """Whether signal `number`, sent to process `pid`, comes to a thread that handles it.

    Where all block it, it wakes nobody or is read from a descriptor; and a thread that waits for signals takes it.
    """
    tasks = _tasks(pid)
    return not any(map(_awaits_signals, tasks)) and any(not _blocks(task, number) for task in tasks)


def wake_thread(process: Process, number: int) -> None:
    """Wake the runtime of `process` through one of its threads: by signal `number`, or by the one that none can block.

    Does nothing where the program has taken the latter for itself (docs/protocol.md). Raises ProcessLookupError and
    PermissionError as kill(2) does.
    """
    tasks = _tasks(process.pid)
    usual = (task for task in tasks if not _blocks(task, number) and not _awaits_signals(task))
    if (task := next(usual, None)) is not None:
        return _send(process, task, number)
    if catches(process.pid, _SECOND):
        for task in tasks:
            if not _blocks(task, _SECOND):
                return _send(process, task, _SECOND)
    return None


def _send(process: Process, task: Path, number: int) -> None:
    import ctypes

    if not still_there(process):
        raise ProcessLookupError
    told = _INFORMATION.pack(number, 0, -1, 0, os.getpid(), os.getuid(), _WAKE).ljust(128, b"\0")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(ctypes.c_long(_TGSIGQUEUEINFO), process.pid, int(task.name), number, told) < 0:
        error = ctypes.get_errno()
        if error != errno.ESRCH:  # the thread has ended: another one is asked the next time
            raise OSError(error, os.strerror(error))


def _tasks(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def _blocks(task: Path, number: int) -> bool:
    return bool(_mask(str(task / "status"), "SigBlk") >> (number - 1) & 1)


def _awaits_signals(task: Path) -> bool:
    """Whether the thread is in sigtimedwait(2), in which it does not block what it waits for."""
    try:
        return (task / "syscall").read_text(encoding="ascii").split()[0] == _SIGTIMEDWAIT
    except OSError:
        return False


def connected(directory: Path, process: Process) -> socket.socket | None:
    """Return a connection to the socket in `directory`, None where there is none that belongs to `process`."""
    try:
        # The path of a socket has at most 107 bytes, whatever that of its directory has.
        folder = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        client.setblocking(False)
        client.connect(f"/proc/self/fd/{folder}/{process.inner_pid}.sock")
        if _peer(client) == process.pid:
            return client
    except OSError:
        pass
    finally:
        os.close(folder)
    client.close()
    return None


def unreachable(process: Process, seconds: float) -> LiveError:
    """Return the error for a runtime whose socket did not appear within `seconds`."""
    places = " or ".join("/" + str(path).split("/", 4)[4] for path in directories(process))
    reason = why_silent(process)
    return LiveError(
        "PKL003",
        f"{process.named} opened no control socket in {places} within {seconds:g} s{reason}",
        hint="the directory must be the process's user's alone, with mode 0700; PATCHKIT_RUN_DIR names another one",
    )


def why_silent(process: Process) -> str:
    """Return what is to be seen of why a process does not answer, as the end of a sentence."""
    folder = Path(f"/proc/{process.pid}")
    try:
        state = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return ""
    if state in "Tt":
        return "; it is stopped" + (" by a debugger" if state == "t" else "")
    if (most := _without_descriptors(folder)) is not None:
        return f"; it has all of the {most} descriptors open that it may have"
    marker = process.marker
    if marker is not None and all(_blocks(task, marker.signal) for task in _tasks(process.pid)):
        return (
            f"; all of its threads block signal {marker.signal}, and it keeps the one that cannot be blocked for itself"
        )
    return ""


def _without_descriptors(folder: Path) -> int | None:
    """Return how many descriptors the process at `folder` may have where it has no other left. Source: getrlimit(2)."""
    try:
        limits = (folder / "limits").read_text(encoding="ascii").splitlines()
        most = next(int(line.split()[3]) for line in limits if line.startswith("Max open files"))
        used = {int(path.name) for path in (folder / "fd").iterdir()}
    except (OSError, ValueError, StopIteration):
        return None
    return most if used.issuperset(range(most)) else None


def exit_code(process: Process, pidfd: int) -> int | None:
    """Return how a process that has ended did so: its exit code, or the number of the signal that killed it, negative.

    None where the system does not tell: it tells a parent, anybody who may look into the process until a parent has
    heard it, and anybody from then on since Linux 6.15. Source: waitid(2), proc_pid_stat(5), PIDFD_GET_INFO in
    include/uapi/linux/pidfd.h.
    """
    try:
        result = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except OSError:
        result = None
    if result is not None:
        return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        if fields[0] == "Z" and int(fields[19]) == process.started:
            return os.waitstatus_to_exitcode(int(fields[49]))
        return None
    except OSError:
        return _exit_code_heard(pidfd)


def _exit_code_heard(pidfd: int) -> int | None:
    """Return the exit code of a process whose parent has heard it."""
    information = bytearray(_PIDFD_INFO.pack(_PIDFD_INFO_EXIT, 0))
    try:
        fcntl.ioctl(pidfd, _PIDFD_GET_INFO, information)
    except OSError:
        return None
    known, status = _PIDFD_INFO.unpack(information)
    return os.waitstatus_to_exitcode(status) if known & _PIDFD_INFO_EXIT else None


def _peer(client: socket.socket) -> int:
    """Return the number of the process that listens, which the kernel vouches for. Source: unix(7)."""
    form = "iII"
    content = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize(form))
    pid: int = struct.unpack(form, content)[0]
    return pid


def _mask(path: str, key: str) -> int:
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1], 16) for line in lines if line.startswith(f"{key}:")), 0)
