"""What the benchmarks of a running process share: programs recorded, started and updated, and what the kernel says."""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from corpora.bench.measure import PATCHKIT
from patchkit.live.process import find_process
from patchkit.live.updates import Phase, Runtime, Wish

CORPORA = Path(__file__).resolve().parent.parent
PLACE = CORPORA / ".fetched"
DEADLINE = 120.0


def patchkit(*words: str | int | Path, cwd: Path) -> str:
    """Run a patchkit command that has to succeed and return what it printed."""
    command = [*PATCHKIT, *map(str, words)]
    done = subprocess.run(command, cwd=cwd, check=False, capture_output=True, encoding="utf-8")
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def record(source: Path, target: Path, *make: str) -> Path:
    """Copy `source` to `target` and build it there under the recorder."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    patchkit("record", "--", "make", *make, cwd=target)
    return target


def bundle(old: Path, new: Path, *options: str | Path) -> Path:
    """Make the bundle from one recorded version to the next, beside the new one."""
    path = new.parent / f"{old.name}--{new.name}{''.join(Path(word).name for word in options[1:])}.pkb"
    patchkit("bundle", old, new, *options, "-o", path, cwd=new.parent)
    return path


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until `condition` holds; end with a message where that takes too long."""
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"{what} did not come within {DEADLINE:.0f} s")
        time.sleep(0.01)


@contextmanager
def running(command: Sequence[str | Path], cwd: Path, *, preloaded: bool) -> Iterator["subprocess.Popen[str]"]:
    """Start a program, under `patchkit run` where it is to hold the runtime, and end it afterwards."""
    words = [str(word) for word in command]
    if preloaded:
        words = [*PATCHKIT, "run", "--", *words]
    with subprocess.Popen(
        words, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8"
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@dataclass(frozen=True, slots=True)
class Applied:
    """An update in ms: how long the threads stood still, the conversion's part, and processor time for all of it."""

    pause: float
    converting: float
    cpu: float


def apply(pid: int, path: Path, *, rehearse: bool = True) -> Applied:
    """Bring a process to the version in a bundle."""
    begun = processor_time(pid)
    with Runtime(find_process(pid)) as runtime, path.open("rb") as file:
        pause = runtime.apply(file.fileno(), Wish(rehearse=rehearse), _ignore).pause / 1000
    cpu = (processor_time(pid) - begun) / 1e6
    converted = re.findall(r"pointers forwarded, in (\d+) us", patchkit("log", pid, cwd=path.parent))
    return Applied(pause, int(converted[-1]) / 1000 if converted else 0.0, cpu)


def rehearse(pid: int, path: Path) -> float:
    """Carry out an update on a copy of a process; return the milliseconds that the process stood still for the fork."""
    with Runtime(find_process(pid)) as runtime, path.open("rb") as file:
        return runtime.rehearse(file.fileno(), Wish(), _ignore).pause / 1000


def revert(pid: int) -> float:
    """Take a process back to the version before; return the milliseconds that it stood still."""
    with Runtime(find_process(pid)) as runtime:
        return runtime.revert(Wish(), _ignore).pause / 1000


def _ignore(_: Phase) -> None:
    """Nobody waits for the phases of an update here."""


def status(pid: int, name: str) -> int:
    """Return a line of /proc/PID/status, for example VmRSS, in KiB."""
    found = re.search(rf"^{name}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def forget_peak(pid: int) -> None:
    """Let VmHWM of a process begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def processor_time(pid: int) -> int:
    """Return the nanoseconds that all threads of a process have run, those that ended included."""
    return time.clock_gettime_ns(~pid << 3 | 2)  # the clock that clock_getcpuclockid(3) finds
