"""Processes under fault: started with the runtime in them, watched by a client, and proved to serve after each run."""

import os
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from unittest.mock import patch

from corpora.bench.faults.memory import Allocations
from corpora.bench.faults.stock import Bundle, Stock, environment
from corpora.bench.faults.witness import CachedSpeaker, KvdSpeaker, Speaker, ThreadsSpeaker, Witness
from patchkit.errors import PatchkitError
from patchkit.live.failure import LiveError
from patchkit.live.process import find_process
from patchkit.live.updates import Outcome, Runtime, Status, Wish
from tests.support import kvd, servers
from tests.support.chains import PROGRAMS
from tests.support.small import running

BUSY = frozenset({"PKL003", "PKL004", "PKL005"})  # it may still do what a client that is gone asked for
DEADLINE = 60.0  # seconds until a process has to answer again
FILLING = 150  # requests before the first fault
TIMEOUT = 5.0  # seconds that threads may take
LIMITS = (resource.RLIMIT_AS, resource.RLIMIT_NOFILE, resource.RLIMIT_SIGPENDING, resource.RLIMIT_FSIZE)


class Program(StrEnum):
    """What is updated."""

    KVD = "kvd"
    CACHED = "cached"
    THREADS = "threads"  # that come and go
    BUSY = "busy"  # with a thread that never leaves its function


FIRST = {Program.KVD: "1.0", Program.CACHED: "1.0", Program.THREADS: "v1", Program.BUSY: "v1"}
MODES = {Program.THREADS: ("churn", "2"), Program.BUSY: ("compute", "1")}  # of one program


class LostError(Exception):
    """A process has ended, does not answer any more, or is at no version that it could be at."""


@dataclass(slots=True)
class Subject:
    """One process; `told` is what the program calls itself at each build that it may come to."""

    program: Program
    pid: int
    witness: Witness
    folder: Path
    library: Path
    faulty: bool
    told: dict[str, str]
    started_as: str
    at: str  # build-id
    stack: ExitStack
    limits: Mapping[int, tuple[int, int]]
    descriptors: int
    runs: int = 0
    reversible: bool = True

    @property
    def allocations(self) -> Allocations:
        """Those of its runtime, which has to be the faulty one."""
        return Allocations(self.pid, self.library)

    def apply(self, bundle: Bundle, wish: Wish | None = None, seconds: float = 10.0) -> Outcome:
        """Apply a bundle; raises LiveError where the process does not take it."""
        self.told[bundle.new] = bundle.told
        with bundle.path.open("rb") as file, Runtime(find_process(self.pid), seconds) as runtime:
            return runtime.apply(file.fileno(), wish or Wish(timeout=TIMEOUT), lambda phase: None)

    def revert(self, seconds: float = 10.0) -> Outcome:
        """Take the last update back; raises LiveError where the process does not."""
        with Runtime(find_process(self.pid), seconds) as runtime:
            return runtime.revert(Wish(timeout=TIMEOUT), lambda phase: None)

    def limit(self, what: int, soft: int) -> None:
        """Set one of its limits from outside, until `relieve`."""
        resource.prlimit(self.pid, what, (soft, self.limits[what][1]))

    def relieve(self) -> None:
        """Give all limits back, and let no allocation fail."""
        try:
            for what, (soft, hard) in self.limits.items():
                resource.prlimit(self.pid, what, (soft, hard))
            if self.faulty:
                self.allocations.fail(0)
        except ProcessLookupError as problem:
            raise LostError("it has ended") from problem

    def prove(self) -> None:
        """Show that it serves, with its state whole, at the version that its runtime names. Raises LostError."""
        status = self._status()
        try:
            told = self.witness.prove()
        except (OSError, ValueError, IndexError) as problem:
            raise LostError(self._end() or f"it does not serve: {problem}") from problem
        if told != self.told.get(status.version):
            raise LostError(f"its runtime says that it is at {status.version}, and the program calls itself {told}")
        if status.state != "idle":
            raise LostError(f"its runtime is in the state {status.state}")
        self.at, self.reversible = status.version, status.reversible

    def open_descriptors(self) -> int:
        """Return how many descriptors are open in it."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def mapped(self) -> int:
        """Return how many bytes are mapped in it, the heap apart."""
        rows = Path(f"/proc/{self.pid}/maps").read_text().splitlines()
        ends = [row.split()[0].split("-") for row in rows if not row.endswith("[heap]")]
        return sum(int(end, 16) - int(begin, 16) for begin, end in ends)

    def _status(self) -> Status:
        """Return what its runtime says as soon as it is done with whoever came before."""
        end = time.monotonic() + DEADLINE
        while True:
            try:
                with Runtime(find_process(self.pid)) as runtime:
                    return runtime.status()
            except PatchkitError as problem:
                busy = isinstance(problem, LiveError) and problem.code in BUSY
                if not busy or time.monotonic() > end:
                    raise LostError(self._end() or str(problem)) from problem

    def _end(self) -> str:
        """Return how it ended, empty where it runs."""
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            return "it has ended"
        if pid == 0:
            return ""
        return f"signal {os.WTERMSIG(status)} ended it" if os.WIFSIGNALED(status) else f"it ended with {status >> 8}"


def start(stock: Stock, program: Program, seed: int, *, faulty: bool = False) -> Subject:
    """Start a program with the runtime in it and fill it with state; `faulty` is for failing allocations."""
    stack = ExitStack()
    place = Path(tempfile.mkdtemp(prefix=f"{program}-", dir=stock.folder))
    stack.callback(shutil.rmtree, place, ignore_errors=True)
    pid, speaker = _started(stock, program, seed, place, stack, faulty)
    for _ in range(1 if program in MODES else FILLING):
        assert speaker.step(), "a wrong answer before any fault"
    witness = Witness(speaker)
    stack.callback(witness.stop)
    limits = {what: resource.prlimit(pid, what) for what in LIMITS}
    build = find_process(pid).build_id
    library = stock.runtime(faulty=faulty)
    told = {build: FIRST[program]}
    subject = Subject(program, pid, witness, place, library, faulty, told, build, build, stack, limits, 0)
    subject.descriptors = subject.open_descriptors()
    return subject


def _started(
    stock: Stock, program: Program, seed: int, place: Path, stack: ExitStack, faulty: bool
) -> tuple[int, Speaker]:
    binary = stock.binary(program)
    with _within(environment(stock, faulty=faulty)):
        match program:
            case Program.KVD:
                server = stack.enter_context(kvd.serving(binary, place))
                return server.process.pid, KvdSpeaker(server.path, seed)
            case Program.CACHED:
                client = PROGRAMS / "cached/client.py"
                other = stack.enter_context(servers.serving(binary, client, place, "--threads", "4"))
                return other.process.pid, CachedSpeaker(other.port, seed)
            case Program.THREADS | Program.BUSY:
                # Its output lies beside it.
                own = Path(shutil.copy(binary, place / "server"))
                third = stack.enter_context(running(own, stock.cache, *MODES[program], preload=False))
                third.wait_for("ready")
                return third.pid, ThreadsSpeaker(third, grows=program is Program.THREADS)


@contextmanager
def _within(variables: Mapping[str, str]) -> Iterator[None]:
    with patch.dict(os.environ, variables):
        yield
