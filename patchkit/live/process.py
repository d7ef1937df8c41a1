"""What the system tells about a process: whether it holds the runtime, and how that is reached. Source: proc(5)."""

import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from patchkit.errors import InputError
from patchkit.live.failure import LiveError

_MARKER = re.compile(r"/memfd:patchkit-(\d{1,9})-(\d{1,3}) \(deleted\)$", re.M)
_NOTE, _BUILD_ID = 4, 3  # PT_NOTE and NT_GNU_BUILD_ID of the ELF specification
_MOST_NOTES = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Marker:
    """The sign of a runtime in a process: the number of its interface to us, and the signal that wakes it."""

    abi: int
    signal: int


@dataclass(frozen=True, slots=True)
class Process:
    """One process as it is now.

    `program` is the file name of its executable, `executable` the path as the process has it, `identity` device and
    inode of that file. `user` is the effective one as seen from here, `inner_user` and `inner_pid` are as seen from
    inside its namespaces. `caught` is a mask of the signals it catches. `build_id` is of its executable, empty where it
    has none. `marker` is None without a runtime.
    """

    pid: int
    parent: int
    started: int  # clock ticks after the machine's start, tells two processes with one number apart
    program: str
    executable: str
    identity: tuple[int, int]
    user: int
    inner_user: int
    inner_pid: int
    state: str
    tracer: int
    caught: int
    build_id: str
    marker: Marker | None

    @property
    def named(self) -> str:
        """What messages call it."""
        return f"process {self.pid} ({self.program})"

    @property
    def catches(self) -> bool:
        """Whether the runtime's signal may be sent: without a handler it would end the process."""
        return self.marker is not None and bool(self.caught >> (self.marker.signal - 1) & 1)


def find_process(pid: int) -> Process:
    """Return the process with that number. Raises InputError where there is none, LiveError where we may not look."""
    folder = Path(f"/proc/{pid}")
    status = _status(folder)
    if status is None:
        raise InputError(f"there is no process {pid}", hint="`patchkit ps` lists those that hold patchkit's runtime")
    if (group := int(status["Tgid"])) != pid:
        raise InputError(f"{pid} is a thread of process {group}", hint=f"name the process: {group}")
    if status["State"][0] in "ZX":
        if int(status.get("Threads", "0")) > 1:
            raise InputError(
                f"the main thread of process {pid} ({status['Name']}) has ended and only others go on",
                hint="such a process hides its memory from all, so it can be neither asked nor updated",
            )
        raise InputError(f"process {pid} ({status['Name']}) has ended; its parent has not asked for its exit yet")
    try:
        return read_process(folder, status)
    except PermissionError as problem:
        raise not_permitted(pid, status["Name"], int(status["Uid"].split()[1])) from problem
    except (FileNotFoundError, ProcessLookupError) as problem:
        if _status(folder) is None:
            raise InputError(f"process {pid} ({status['Name']}) has ended just now") from problem
        raise InputError(f"process {pid} ({status['Name']}) is one of the kernel's own and has no program") from problem


def all_processes() -> tuple[list[Process], int]:
    """Return every process that we may look at, by number, and how many others there are."""
    found: list[Process] = []
    hidden = 0
    for folder in sorted((path for path in Path("/proc").iterdir() if path.name.isdigit()), key=lambda p: int(p.name)):
        status = _status(folder)
        if status is None or status["State"][0] in "ZX":
            continue
        try:
            found.append(read_process(folder, status))
        except PermissionError:
            hidden += 1
        except OSError:  # one of the kernel's, or ended since
            continue
    return found, hidden


def read_process(folder: Path, status: dict[str, str]) -> Process:
    """Return the process below /proc at `folder`; raises OSError where something of it cannot be read."""
    link = os.readlink(folder / "exe")
    executable = link.removesuffix(" (deleted)")
    file = (folder / "exe").stat()
    marker = _MARKER.search((folder / "maps").read_text(encoding="utf-8", errors="replace"))
    user = int(status["Uid"].split()[1])
    _, started = _stat(folder)
    return Process(
        pid=int(status["Tgid"]),
        parent=int(status["PPid"]),
        started=started,
        program=Path(executable).name,
        executable=executable,
        identity=(file.st_dev, file.st_ino),
        user=user,
        inner_user=_inside(folder, user),
        inner_pid=int(status.get("NSpid", status["Tgid"]).split()[-1]),
        state=status["State"][0],
        tracer=int(status["TracerPid"]),
        caught=int(status["SigCgt"], 16),
        build_id=build_id(folder / "exe"),
        marker=Marker(int(marker[1]), int(marker[2])) if marker else None,
    )


def still_there(process: Process) -> bool:
    """Whether `process` runs, and not another one with its number."""
    try:
        state, started = _stat(Path(f"/proc/{process.pid}"))
    except (OSError, ValueError):
        return False
    return started == process.started and state not in "ZX"


def environment(process: Process, name: str) -> str | None:
    """Return a variable of the environment that `process` was started with, None where it has none or hides it."""
    try:
        content = Path(f"/proc/{process.pid}/environ").read_bytes()
    except OSError:
        return None
    prefix = os.fsencode(f"{name}=")
    found = next((item for item in content.split(b"\0") if item.startswith(prefix)), None)
    return None if found is None else os.fsdecode(found[len(prefix) :])


def not_permitted(pid: int, name: str, user: int) -> LiveError:
    """Return the error for a process that we may not even look at."""
    whose = f"belongs to user {user}" if user != os.geteuid() else "hides itself even from its own user"
    return LiveError("PKL007", f"process {pid} ({name}) {whose}, and may not be looked at", hint="run this as root")


def build_id(path: Path) -> str:
    """Return the GNU build-id of the ELF file at `path` in hexadecimal, empty where it has none. Source: elf(5)."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
            if head[:6] not in (b"\x7fELF\x02\x01", b"\x7fELF\x01\x01"):
                return ""
            wide = head[4] == 2
            offset, size, count = _program_headers(head, wide)
            file.seek(offset)
            for row in _rows(file.read(size * count), size, wide):
                kind, start, length = row
                if kind == _NOTE and length <= _MOST_NOTES:
                    file.seek(start)
                    if found := find_build_id(file.read(length)):
                        return found
    except (OSError, struct.error):
        return ""
    return ""


def _program_headers(head: bytes, wide: bool) -> tuple[int, int, int]:
    """Return where they are in the file, the size of one and their number."""
    (offset,) = struct.unpack_from("<Q" if wide else "<I", head, 32 if wide else 28)
    size, count = struct.unpack_from("<HH", head, 54 if wide else 42)
    return offset, size, count


def _rows(table: bytes, size: int, wide: bool) -> list[tuple[int, int, int]]:
    """Return kind, place in the file and size in the file of each segment."""
    rows = []
    for place in range(0, len(table), size or len(table) + 1):
        if wide:
            kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", table, place)
        else:
            kind, offset, _, _, length = struct.unpack_from("<IIIII", table, place)
        rows.append((kind, offset, length))
    return rows


def find_build_id(notes: bytes) -> str:
    """Return the build-id that a segment of notes holds, empty where none does."""
    place = 0
    while place + 12 <= len(notes):
        name, size, kind = struct.unpack_from("<III", notes, place)
        start = place + 12 + (name + 3 & ~3)
        if kind == _BUILD_ID and notes[place + 12 : place + 16] == b"GNU\0":
            return notes[start : start + size].hex()
        place = start + (size + 3 & ~3)
    return ""


def _status(folder: Path) -> dict[str, str] | None:
    """Return the lines of /proc/PID/status by their names, None where the process is gone."""
    try:
        text = (folder / "status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return {key: value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}


def _stat(folder: Path) -> tuple[str, int]:
    """Return state and start time, which stand behind the name, which may hold anything."""
    fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return fields[0], int(fields[19])


def _inside(folder: Path, user: int) -> int:
    """Return what the process itself takes `user` for. Source: user_namespaces(7)."""
    try:
        if os.readlink(folder / "ns/user") == os.readlink("/proc/self/ns/user"):
            return user
        for line in (folder / "uid_map").read_text(encoding="ascii").splitlines():
            inner, outer, count = map(int, line.split())
            if outer <= user < outer + count:
                return inner + user - outer
    except OSError:
        pass
    return user
