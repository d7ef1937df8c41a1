"""Getting through to a runtime: where its socket is, whether its signal may be sent, and what stands in the way."""

import os
import signal
import socket
import struct
from pathlib import Path

from patchkit.errors import InputError
from patchkit.live.failure import LiveError
from patchkit.live.process import Process, environment, still_there
from patchkit.live.wire import PROTOCOL


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
        tasks = [str(path / "status") for path in (folder / "task").iterdir()]
    except OSError:
        return ""
    if state in "Tt":
        return "; it is stopped" + (" by a debugger" if state == "t" else "")
    marker = process.marker
    if marker is not None and tasks and all(_mask(task, "SigBlk") >> (marker.signal - 1) & 1 for task in tasks):
        return f"; all of its threads block signal {marker.signal}"
    return ""


def how_ended(pidfd: int) -> str:
    """Return how a process ended, as the end of a sentence, where the system tells us: it tells a parent."""
    try:
        result = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except OSError:
        return ""
    if result is None:
        return ""
    if result.si_code == os.CLD_EXITED:
        return f": exit code {result.si_status}"
    return f": killed by {signal.Signals(result.si_status).name}"


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
