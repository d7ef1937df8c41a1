"""Bringing the runtime into a process that was started without it: what forbids it, and the program that does it.

docs/live.md says how it is done; patchkit/runtime/attach is the program.
"""

import os
import struct
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from patchkit.errors import InputError
from patchkit.live.failure import LiveError
from patchkit.live.known import Known
from patchkit.live.process import Process, environment, find_process, still_there
from patchkit.live.reach import check_reachable
from patchkit.runtime import ATTACHER, attacher, library

_SECURE = 23  # AT_SECURE, getauxval(3)
_INTERPRETER, _X86_64, _WIDE = 3, 62, 2  # PT_INTERP, EM_X86_64, ELFCLASS64
_GNU_LOADER = "ld-linux-x86-64.so"
_SETTINGS = {"PATCHKIT_RUN_DIR": 108, "PATCHKIT_TRUSTED_KEYS": 256}  # bytes, see attachment.h
_ENDED = "ended"  # the name of a process that is no more
_MORE_SECONDS = 20.0  # than the given time, for taking back what was begun


@dataclass(frozen=True, slots=True)
class Attached:
    """A process that holds the runtime; `still` is how many milliseconds one of its threads stood still for it."""

    process: Process
    was_there: bool
    still: float = 0.0


def bring_runtime(
    process: Process, known: Known, seconds: float, cache: Path, environ: Mapping[str, str] | None
) -> Attached:
    """Make sure that `process` holds the runtime, which is compiled in `cache` if it has to be.

    `seconds` is how long a thread that can be borrowed is looked for. Raises LiveError (PKL201 to PKL206) where it
    cannot be done, InputError where the process has ended; in both cases nothing of the process was changed.
    """
    process = _after_others(process, seconds)
    if process.marker is not None:
        check_reachable(process)
        return Attached(process, was_there=True)
    _check_permitted(process)
    _check_kind(process)
    if process.build_id not in known.names:
        raise _unknown(process, known)
    program = attacher(cache, environ), library(cache, environ)
    settings = [_setting(process, name, environ or os.environ) for name in _SETTINGS]
    words = [str(program[0]), str(process.pid), str(program[1]), str(round(seconds * 1000)), *settings]
    answer = _run(words, seconds + _MORE_SECONDS)
    if answer.get("") != "ok":
        raise _failed(process, answer.get("code", ""), answer.get("text", "it ended without a word"))
    now = find_process(process.pid)
    check_reachable(now)
    return Attached(now, answer.get("result") == "already", int(answer.get("still-us", "0")) / 1000)


def _after_others(process: Process, seconds: float) -> Process:
    """Return `process` as it is when no other patchkit is bringing the runtime in, at the latest after `seconds`."""
    end = time.monotonic() + seconds
    # What is read of a process is not of one moment: only a second look tells a runtime that is off from a new one.
    looks = 1 if process.marker is not None and not process.catches else 0
    while (process.tracer and _name(process.tracer) in (ATTACHER, _ENDED)) or looks:
        if time.monotonic() > end:
            break
        time.sleep(0.01)
        process = find_process(process.pid)
        looks = 0
    return process


def _run(words: list[str], seconds: float) -> dict[str, str]:
    """Return the line that the program writes, the message's name as the field ''."""
    try:
        done = subprocess.run(
            words,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return {"code": "PKL206", "text": f"it did not come to an end within {seconds:g} s"}
    name, *fields = done.stdout.rstrip("\n").split("\t")
    return {"": name, **dict(field.split("=", 1) for field in fields if "=" in field)}


def _setting(process: Process, name: str, environ: Mapping[str, str]) -> str:
    """Return what the runtime would have found at the start of the process; keys may also be named here and now."""
    value = environment(process, name)
    if value is None and name == "PATCHKIT_TRUSTED_KEYS":
        value = environ.get(name)
    value = value or ""
    if len(os.fsencode(value)) >= _SETTINGS[name]:
        raise InputError(f"{name} is longer than {_SETTINGS[name] - 1} bytes")
    return value


def _check_permitted(process: Process) -> None:
    """Raise LiveError for what the system will not allow, or what must not be tried."""
    folder = Path(f"/proc/{process.pid}")
    status = _fields(folder / "status")
    if process.tracer:
        tracer = _name(process.tracer)
        raise _refused(
            process, f"process {process.tracer} ({tracer}) traces it already", f"end {tracer}, or have it let go"
        )
    if process.state in "Tt":
        raise LiveError("PKL205", f"{process.named} is stopped", hint=f"let it go on first: kill -CONT {process.pid}")
    if os.geteuid() not in (0, process.user):
        raise _refused(process, f"it belongs to user {process.user}", "run this as that user or as root")
    if status.get("Seccomp", "0") != "0":
        raise _refused(
            process,
            "a seccomp filter is on it, and whether that lets the calls of the runtime pass cannot be seen",
            "start the program with `patchkit run`: then the runtime is there before the filter",
        )
    if environment(process, "PATCHKIT_OFF"):
        raise _refused(process, "its environment has PATCHKIT_OFF", "start it without that")
    if _is_privileged(process, folder):
        raise _refused(
            process, "it is a setuid, setgid or privileged program", "such a program cannot hold the runtime"
        )


def _is_privileged(process: Process, folder: Path) -> bool:
    try:
        vector = (folder / "auxv").read_bytes()
    except PermissionError as problem:
        raise _not_traceable(process) from problem
    except OSError:
        return False
    pairs = struct.iter_unpack("<QQ", vector[: len(vector) // 16 * 16])
    return any(key == _SECURE and value != 0 for key, value in pairs)


def _check_kind(process: Process) -> None:
    """Raise LiveError where the executable is of another machine, or has not the GNU C library's loader."""
    try:
        with open(f"/proc/{process.pid}/exe", "rb") as file:
            head = file.read(64)
            if head[:4] != b"\x7fELF" or head[4] != _WIDE or struct.unpack_from("<H", head, 18)[0] != _X86_64:
                raise LiveError(
                    "PKL203",
                    f"{process.named} is not a program for x86-64",
                    hint="the runtime is for x86-64 Linux alone",
                )
            (offset,) = struct.unpack_from("<Q", head, 32)
            size, count = struct.unpack_from("<HH", head, 54)
            file.seek(offset)
            rows = [struct.unpack_from("<IIQQQQ", file.read(size)) for _ in range(count)]
            place = next(((row[2], row[5]) for row in rows if row[0] == _INTERPRETER), None)
            if place is None:
                raise LiveError(
                    "PKL202",
                    f"{process.named} is linked statically",
                    hint="link it with the runtime: `patchkit runtime --libs` says how",
                )
            file.seek(place[0])
            loader = os.fsdecode(file.read(place[1]).rstrip(b"\0"))
    except (OSError, struct.error) as problem:
        raise InputError(f"the program of {process.named} cannot be read: {problem}") from problem
    if not Path(loader).name.startswith(_GNU_LOADER):
        raise LiveError(
            "PKL203",
            f"{process.named} uses {loader}, not the GNU C library",
            hint="the runtime is for programs of the GNU C library",
        )


def _unknown(process: Process, known: Known) -> LiveError:
    what = f"runs {known.call(process.build_id)}, which no recording knows"
    if not process.build_id:
        what = "has no build-id, so it cannot be proved to be a build that was recorded"
    return LiveError(
        "PKL204",
        f"{process.named} {what}",
        hint="name the directory of the recorded build: --build DIR; it was recorded with `patchkit record -- make`",
    )


def _failed(process: Process, code: str, text: str) -> LiveError:
    if not still_there(process):
        return LiveError("PKL006", f"{process.named} ended while the runtime was brought in", hint="start it again")
    if code == "PKL201":
        return _not_traceable(process, text)
    hint = f"`patchkit explain {code}` says what that means" if code else "it goes on as before"
    return LiveError(code or "PKL206", f"{process.named} did not get the runtime: {text}", hint=hint)


def _not_traceable(process: Process, text: str = "") -> LiveError:
    """Return the error for a process that the kernel does not let us trace, with the reason as far as it shows."""
    now = _fields(Path(f"/proc/{process.pid}/status"))
    tracer = int(now.get("TracerPid", "0"))
    if tracer:
        return _refused(process, f"process {tracer} ({_name(tracer)}) traces it already", "end that first")
    scope = _yama()
    own = int(_fields(Path("/proc/self/status")).get("CapEff", "0"), 16)
    if not own >> 19 & 1:  # CAP_SYS_PTRACE
        if scope:
            return _refused(
                process,
                f"the system lets nobody but its own parents trace it (kernel.yama.ptrace_scope is {scope})",
                "run this as root, or set kernel.yama.ptrace_scope to 0",
            )
        return _refused(process, "this user may not trace it (no CAP_SYS_PTRACE)", "run this as root")
    if scope == 3:
        return _refused(
            process,
            "the system lets nobody trace anything (kernel.yama.ptrace_scope is 3, until the next boot)",
            "start the program with `patchkit run`",
        )
    return _refused(
        process, text or "the kernel does not allow it", "a security module may forbid it; start it with `patchkit run`"
    )


def _refused(process: Process, reason: str, hint: str) -> LiveError:
    return LiveError("PKL201", f"{process.named} cannot be attached to: {reason}", hint=hint)


def _yama() -> int:
    try:
        return int(Path("/proc/sys/kernel/yama/ptrace_scope").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def _name(pid: int) -> str:
    return _fields(Path(f"/proc/{pid}/status")).get("Name", _ENDED)


def _fields(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    return {key: value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}
