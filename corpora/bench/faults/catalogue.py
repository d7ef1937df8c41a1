"""The faults: how each is set up, and what may come of it."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from corpora.bench.faults.memory import MOST
from corpora.bench.faults.stock import Bundle, Stock, with_other_origin
from corpora.bench.faults.subjects import TIMEOUT, Program, Subject
from corpora.bench.faults.witness import KvdSpeaker
from patchkit.errors import PatchkitError
from patchkit.live.failure import LiveError
from patchkit.live.updates import Wish
from tests.support import ROOT

PHASES = ("greeted", "received", "verified", "prepared", "rehearsed", "quiescing", "switched", "committed", "moment")
DAMAGED, OTHER_BUILD, UNTRUSTED, REPLAYED = "PKL102", "PKB801", "PKB803", "PKB806"
NO_MEMORY, OUT_OF_REACH, REHEARSAL, NO_CODE, UNCONVERTED, CRASHED = (
    "PKL104",
    "PKL103",
    "PKL108",
    "PKL114",
    "PKL121",
    "PKL122",
)
UNREACHED, BUSY, UNLEFT, UNLISTED, PINNED = "PKL003", "PKL004", "PKL107", "PKL113", "PKL123"
WAYS = (
    "null",
    "division",
    "abort",
    "trap",
    "jump",
    "recursion",
    "constant",
    "raise",
    "refusal",
    "loop",
)  # of hostile.c
LOOP = WAYS.index("loop")
SHORT = 1.0  # seconds that a client tries where nobody may be able to answer


@dataclass(slots=True)
class Turns:
    """Counts that go on from run to run, so that each of a row of faults gets its turn."""

    next: dict[str, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)

    def turn(self, name: str, count: int) -> int:
        """Return 0 to `count` - 1, one after the other."""
        at = self.next.get(name, 0)
        self.next[name] = at + 1
        return at % count


@dataclass(frozen=True, slots=True)
class Run:
    """What a fault is given: a process at its first version, its own random numbers, and the turns of all runs.

    `chosen` takes down what it chose, for the report.
    """

    subject: Subject
    stock: Stock
    random: Random
    turns: Turns
    chosen: list[str] = field(default_factory=list)

    @property
    def bundle(self) -> Bundle:
        """The usual one for the process."""
        match self.subject.program:
            case Program.KVD:
                return self.stock.kvd
            case Program.CACHED:
                return self.stock.cached
            case Program.THREADS | Program.BUSY:
                return self.stock.threads

    @property
    def later(self) -> Bundle:
        """One from the version that the usual one leads to."""
        if self.subject.program is Program.KVD:
            return self.stock.step("kvd", "v1.1", "v1.2", "1.0.2")
        return self.stock.step("cached", "v2", "v3", "1.2")

    def wish(self) -> Wish:
        """Choose a rehearsal or none."""
        rehearse = self.random.random() < 0.5
        self.chosen.append("rehearsed" if rehearse else "not rehearsed")
        return Wish(timeout=TIMEOUT, rehearse=rehearse)

    def apply(self, bundle: Bundle, wish: Wish | None = None, seconds: float = 10.0) -> str:
        """Apply a bundle and return the result."""
        return self.subject.apply(bundle, wish or self.wish(), seconds).result


@dataclass(frozen=True, slots=True)
class Fault:
    """`strike` sets it up and returns the result of the request, or raises the LiveError that it ended with; where that
    request is not the first one, it proves the process before it.

    `refusals` are the codes that may be heard. `applies` says whether the update may happen, so that the process may
    be at its new version. `share` is its part of all runs. `faulty` ones need the runtime whose allocations can fail,
    `fresh` ones a process that was not asked before.
    """

    name: str
    what: str
    strike: Callable[[Run], str]
    programs: tuple[Program, ...]
    refusals: frozenset[str]
    share: int
    applies: bool = False
    faulty: bool = False
    fresh: bool = False


def truncated(run: Run) -> str:
    """A bundle that ends somewhere, most often at a border of its blocks."""
    content = run.bundle.path.read_bytes()
    size = run.random.choice((run.random.randrange(len(content)), run.random.randrange(len(content) // 512) * 512))
    members = content.rstrip(b"\0")
    return run.apply(_file(run, content[: min(size, len(members) - 1)]))


def flipped(run: Run) -> str:
    """A bundle in which some bits are wrong."""
    content = bytearray(run.bundle.path.read_bytes())
    for _ in range(run.random.choice((1, 1, 1, 8, 64))):
        content[run.random.randrange(len(content))] ^= 1 << run.random.randrange(8)
    return run.apply(_file(run, bytes(content)))


def wrong_build(run: Run) -> str:
    """A whole and signed bundle for another build: for a later version, or for one that never was."""
    if run.random.random() < 0.5:
        return run.apply(run.later)
    build = run.random.randbytes(20)
    return run.apply(run.stock.rewritten(run.bundle, "ours", lambda m, members: with_other_origin(m, members, build)))


def replayed(run: Run) -> str:
    """A bundle that was taken before, or that is older than the last one."""
    first = run.stock.changed(run.bundle, sequence=7)
    if (result := run.apply(first)) != "applied":
        return f"first {result}"
    run.subject.prove()
    if run.random.random() < 0.4:
        return run.apply(first)
    return run.apply(run.stock.changed(run.later, sequence=run.random.randrange(1, 8)))


def expired(run: Run) -> str:
    """A bundle that is too old."""
    return run.apply(run.stock.changed(run.bundle, expires=int(time.time()) - run.random.randrange(1, 10**6)))


def wrong_key(run: Run) -> str:
    """A bundle that is not signed, is signed by somebody else, or was changed after it was signed."""
    way = run.random.randrange(3)
    if way < 2:
        return run.apply(run.stock.changed(run.bundle, (None, "theirs")[way]))
    content = run.bundle.path.read_bytes()
    return run.apply(_file(run, content.replace(b"expires never", b"expires neveR", 1)))


def constructor(run: Run) -> str:
    """The new version has a constructor that crashes; nothing starts, so none runs."""
    return run.apply(run.stock.constructor)


def crash(run: Run) -> str:
    """The update's own code crashes: before, in, or after the conversion."""
    return _hostile(run, run.turns.turn("crash", 3 * LOOP))


def loop(run: Run) -> str:
    """The update's own code never ends; with a rehearsal a copy of the process has to wait, without one the process."""
    return _hostile(run, LOOP * 3 + run.turns.turn("loop", 3))


def _hostile(run: Run, number: int) -> str:
    way, place = divmod(number, 3)
    run.chosen.append(f"{WAYS[way]} {('before', 'within', 'after')[place]} the conversion")
    _set_clients(run, 50000 + 10 * place + way)
    try:
        return run.apply(run.stock.hostile)
    finally:
        _set_clients(run, 1000)


def _set_clients(run: Run, value: int) -> None:
    speaker = run.subject.witness.speaker
    assert isinstance(speaker, KvdSpeaker)
    with run.subject.witness.resting():
        speaker.set_option("maxclients", value)


def killed_client(run: Run) -> str:
    """The client is killed with signal 9, at each phase or at any moment."""
    phase = PHASES[run.turns.turn("phases", len(PHASES))]
    bundle = run.stock.state if run.subject.program is Program.KVD and run.random.random() < 0.3 else run.bundle
    run.subject.told[bundle.new] = bundle.told
    run.chosen.append(f"{phase}, {bundle.path.name}")
    words = [sys.executable, "-m", "corpora.bench.faults.client", str(run.subject.pid), str(bundle.path), phase]
    rehearse = "yes" if phase == "rehearsed" or run.random.random() < 0.5 else "no"
    with subprocess.Popen([*words, rehearse], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as client:
        assert client.stdout is not None
        client.stdout.readline()
        if phase == "moment":
            time.sleep(run.random.random() * 0.05)
            client.kill()
        _, errors = client.communicate(timeout=60)
    if client.returncode == -signal.SIGKILL:
        return "killed"
    return "applied" if client.returncode == 0 else errors.decode().splitlines()[-1]


def no_memory(run: Run) -> str:
    """The n-th time that the runtime asks for memory, a process or a timer, the kernel says no; n goes through all."""
    way, number = _next_allocation(run)
    bundle = run.stock.state if run.subject.program is Program.KVD and way != "revert" else run.bundle
    wish = Wish(timeout=TIMEOUT, rehearse=way == "rehearse")
    run.chosen.append(f"{way}, allocation {number}")
    if way == "revert":
        run.apply(bundle, wish)
        run.subject.prove()
    run.subject.allocations.fail(number)
    result = run.subject.revert().result if way == "revert" else run.apply(bundle, wish)
    if number == MOST:
        run.turns.most[f"{run.subject.program} {way}"] = MOST - run.subject.allocations.left()
    return result


def _next_allocation(run: Run) -> tuple[str, int]:
    """Return a request and the allocation that is to fail in it; MOST, which none is, where they are to be counted."""
    counts = {way: run.turns.most.get(f"{run.subject.program} {way}", 0) for way in ("apply", "rehearse", "revert")}
    for way, count in counts.items():
        if not count:
            return way, MOST
    number = run.turns.turn(f"allocations of {run.subject.program}", sum(counts.values()))
    for way, count in counts.items():
        if number < count:
            return way, number + 1
        number -= count
    raise AssertionError("a turn is less than the sum")


def memory_limit(run: Run) -> str:
    """The process may not have more than some memory above what it has."""
    bundle = run.stock.state if run.subject.program is Program.KVD and run.random.random() < 0.5 else run.bundle
    with run.subject.witness.resting():
        used = int(Path(f"/proc/{run.subject.pid}/statm").read_text().split()[0]) * resource.getpagesize()
        more = run.random.randrange(1 << run.random.randrange(13, 24))
        run.chosen.append(f"{more} bytes more, {bundle.path.name}")
        run.subject.limit(resource.RLIMIT_AS, used + more)
        try:
            return run.apply(bundle, seconds=SHORT)
        finally:
            run.subject.relieve()


def no_descriptors(run: Run) -> str:
    """The process may open only so many more files."""
    taken = {int(name) for name in os.listdir(f"/proc/{run.subject.pid}/fd")}
    free = [number for number in range(len(taken) + 12) if number not in taken]
    more = run.turns.turn("descriptors", 10)
    run.chosen.append(f"{more} more")
    run.subject.limit(resource.RLIMIT_NOFILE, free[more])
    try:
        return run.apply(run.bundle, seconds=SHORT)
    finally:
        run.subject.relieve()


def no_signals(run: Run) -> str:
    """Few signals can be queued for the process, or none, and no timer made."""
    bundle = run.stock.state if run.subject.program is Program.KVD and run.random.random() < 0.5 else run.bundle
    pending = run.random.choice((0, 0, 1, 2))
    run.chosen.append(f"{pending} signals, {bundle.path.name}")
    run.subject.limit(resource.RLIMIT_SIGPENDING, pending)
    try:
        return run.apply(bundle, seconds=SHORT)
    finally:
        run.subject.relieve()


def file_limit(run: Run) -> str:
    """The process may write no file longer than so many bytes."""
    run.subject.limit(resource.RLIMIT_FSIZE, run.random.choice((0, 100, 4096, 65536)))
    try:
        return run.apply(run.bundle)
    finally:
        run.subject.relieve()


def against_itself(run: Run) -> str:
    """Clients come at once, with the same bundle and with others."""
    bundles = [run.bundle] * 2
    bundles += run.random.choice(([], [run.stock.changed(run.bundle, None)], [run.later]))
    run.random.shuffle(bundles)
    results: list[str] = []
    gate = threading.Barrier(len(bundles))

    def come(bundle: Bundle, wish: Wish) -> None:
        gate.wait()
        try:
            results.append(run.apply(bundle, wish))
        except PatchkitError as problem:
            results.append(problem.code if isinstance(problem, LiveError) else str(problem))

    clients = [threading.Thread(target=come, args=(bundle, run.wish())) for bundle in bundles]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    unexpected = set(results) - {"applied", "already", OTHER_BUILD, UNTRUSTED}
    return ", ".join(unexpected) or "applied"


def new_threads(run: Run) -> str:
    """Threads are created and end all the while that they are to stand still."""
    return run.apply(run.bundle)


def busy_thread(run: Run) -> str:
    """A function of the program that changes never ends."""
    return run.apply(run.bundle, Wish(timeout=0.2, rehearse=run.random.random() < 0.5))


def _file(run: Run, content: bytes) -> Bundle:
    path = run.stock.scratch("broken.pkb")
    path.write_bytes(content)
    return Bundle(path, run.bundle.old, run.bundle.new, run.bundle.told)


SERVERS = (Program.KVD, Program.CACHED)
KVD = (Program.KVD,)
MEMORY = frozenset({NO_MEMORY, OUT_OF_REACH, REHEARSAL, NO_CODE, UNCONVERTED, CRASHED, UNREACHED})

FAULTS = (
    Fault("truncated", "bundle truncated", truncated, SERVERS, frozenset({DAMAGED, UNTRUSTED}), 100),
    Fault("flipped", "bundle bit-flipped", flipped, SERVERS, frozenset({DAMAGED, UNTRUSTED}), 120, applies=True),
    Fault("wrong-build", "bundle for another build", wrong_build, SERVERS, frozenset({OTHER_BUILD}), 60),
    Fault("replayed", "bundle replayed", replayed, SERVERS, frozenset({REPLAYED}), 60, applies=True),
    Fault("expired", "bundle expired", expired, SERVERS, frozenset({REPLAYED}), 20),
    Fault("wrong-key", "bundle not signed by a trusted key", wrong_key, SERVERS, frozenset({UNTRUSTED}), 60),
    Fault("constructor", "a constructor of the payload crashes", constructor, KVD, frozenset(), 30, applies=True),
    Fault("crash", "the payload's code crashes", crash, KVD, frozenset({CRASHED, UNCONVERTED, REHEARSAL}), 100),
    Fault("loop", "the payload's code never ends", loop, KVD, frozenset({CRASHED, REHEARSAL}), 9),
    Fault("killed-client", "client killed at each phase", killed_client, SERVERS, frozenset(), 100, applies=True),
    Fault(
        "no-memory",
        "each allocation fails",
        no_memory,
        (*KVD, *SERVERS),
        MEMORY,
        180,
        applies=True,
        faulty=True,
        fresh=True,
    ),
    Fault("memory-limit", "address space exhausted", memory_limit, SERVERS, MEMORY, 50, applies=True),
    Fault(
        "no-descriptors",
        "descriptors exhausted",
        no_descriptors,
        SERVERS,
        frozenset({UNREACHED, BUSY, UNLISTED, UNCONVERTED, PINNED, NO_MEMORY}),
        60,
        applies=True,
    ),
    Fault(
        "no-signals", "signal queue exhausted", no_signals, SERVERS, frozenset({UNLISTED, NO_MEMORY}), 20, applies=True
    ),
    Fault("file-limit", "file size exhausted", file_limit, SERVERS, frozenset({NO_MEMORY}), 20, applies=True),
    Fault("against-itself", "apply against apply", against_itself, SERVERS, frozenset(), 60, applies=True),
    Fault("new-threads", "threads created meanwhile", new_threads, (Program.THREADS,), frozenset(), 40, applies=True),
    Fault("busy-thread", "a function of the program never ends", busy_thread, (Program.BUSY,), frozenset({UNLEFT}), 30),
)
