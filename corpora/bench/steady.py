"""What a server costs per request with the runtime in it, before an update and after some, against a plain build.

The rival of each row is the same version, built plainly and started alone, at the same number of requests:
v1 with the runtime preloaded against v1, v1 updated once against the version after it, v1 updated to the last release
against that one. Instructions are counted by stepping (programs/step.c) through a fixed script of requests over one
connection, the kernel's not among them. Those of the program itself are told from those of libraries, in which a string
that lies across the end of a page takes longer, and where it lies is another matter in every build. The median of all
requests counts, since a stepped program is so slow that its clock interrupts many of them. Processor time is what the
kernel says of all threads, its own work for them included, for the same requests, many at once, so that what waking
costs, which differs wildly on virtual machines, is hardly in it. All servers of a program are there at the same time
and take turns of two milliseconds; the ratio of a row is the median over all turns of its time to that of its rival in
the same turn, and the rows `again`, of a plain build against itself, show how far such a ratio can be trusted.
"""

import socket
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from corpora.bench.measure import save_rows
from corpora.bench.processes import CORPORA, PLACE, apply, bundle, processor_time, record, running, wait_for

ROUNDS = 5
STEPPED = 40  # requests: a step takes 100 us where ptrace is slow
WARMING = 2_000  # on each connection before that: a rehearsal shared every page, and the first write to each is dear
COUNTINGS = 2  # rounds in which instructions are counted; they hardly differ
TURNS = 200  # in which processor time is measured, in each round
BATCHES = 50  # in a turn, of as many requests at once as are stepped through
CONNECTIONS = 4
LIMIT = 0.03
CHAINS = {"kvd": ("v1", "v1.1", "v1.2", "v1.3", "v1.4", "v1.5"), "cached": ("v1", "v2", "v3", "v4")}
OPTIONS = {"kvd": ("--save", "0 0"), "cached": ("--threads", "1", "--verbosity", "0")}
Rows = dict[str, dict[str, list[float]]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server: the version that it starts as, the bundles that it gets, and the row that it is compared with."""

    name: str
    version: str
    bundles: tuple[Path, ...] = ()
    preloaded: bool = False
    rival: str = ""
    control: bool = False  # a plain build against itself


def main() -> int:
    """Run the benchmark for so many rounds as given (default 5) and print both tables."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    rows: Rows = defaultdict(lambda: defaultdict(list))
    step = PLACE / "steady/step"
    step.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cc", "-O2", "-o", step, CORPORA / "bench/programs/step.c"], check=True)
    programs = {program: prepare(program) for program in CHAINS}
    for number in range(rounds):
        print(f"  round {number + 1}/{rounds}", file=sys.stderr, flush=True)
        for program, candidates in programs.items():
            take_turns(program, candidates, rows)
            for candidate in (each for each in candidates if number < COUNTINGS and not each.control):
                count_in(program, candidate, step, rows[f"{program} {candidate.name}"])
    return show(programs, rows)


def prepare(program: str) -> list[Candidate]:
    """Record all versions of a program, make the bundles, and say what is compared with what."""
    versions = CHAINS[program]
    for version in versions:
        record(CORPORA / "programs" / program / version, PLACE / "steady" / program / version)
    folder = PLACE / "steady" / program
    bundles = tuple(bundle(folder / old, folder / new) for old, new in pairwise(versions))
    plain = [Candidate(f"{version}, plain", version) for version in (versions[0], versions[1], versions[-1])]
    held = [
        Candidate(f"{versions[0]}, preloaded", versions[0], (), True, plain[0].name),
        Candidate(f"{versions[1]}, after 1 update", versions[0], bundles[:1], True, plain[1].name),
        Candidate(f"{versions[-1]}, after {len(bundles)} updates", versions[0], bundles, True, plain[2].name),
    ]
    again = [Candidate(f"{each.name}, again", each.version, rival=each.name, control=True) for each in plain]
    return [each for group in zip(plain, again, held, strict=True) for each in group]


def take_turns(program: str, candidates: Sequence[Candidate], rows: Rows) -> None:
    """Start all candidates, bring them to their versions, and note the processor time of a request in ns, in turns."""
    requests = script(program)
    batch = [(b"".join(each[0] for each in requests), b"".join(each[1] for each in requests))]
    with ExitStack() as stack:
        served = []
        for candidate in candidates:
            process, port = stack.enter_context(serving(program, candidate))
            load(program, port)
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), 60))
            served.append((process.pid, connection, rows[f"{program} {candidate.name}"]["ns"]))
        for _ in range(TURNS):
            for pid, connection, row in served:
                begun = processor_time(pid)
                for _ in range(BATCHES):
                    answer(connection, batch)
                row.append((processor_time(pid) - begun) / (BATCHES * STEPPED))


def count_in(program: str, candidate: Candidate, step: Path, row: dict[str, list[float]]) -> None:
    """Note how many instructions a request takes, in a new process: periodic work has to end before it is due again."""
    with serving(program, candidate) as (process, port):
        every, own = count(process.pid, port, step, script(program))
    row["instructions"].append(every)
    row["own"].append(own)


@contextmanager
def serving(program: str, candidate: Candidate) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """Start a server on a free port and bring it to its version."""
    folder = PLACE / "steady" / program
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [f"./{candidate.version}/{program}", "--port", str(port), *OPTIONS[program]]
    with running(command, folder, preloaded=candidate.preloaded) as process:
        wait_for(lambda: process.poll() is not None or _accepts(port), f"the port of {program}")
        for path in candidate.bundles:
            apply(process.pid, path)
        yield process, port


def _accepts(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def load(program: str, port: int) -> None:
    """Run the load client, the same requests each time; it checks each answer."""
    client = CORPORA / "programs" / program / "client.py"
    words = ["--port", str(port), "--requests", str(WARMING), "--connections", str(CONNECTIONS), "--seed", "7"]
    subprocess.run([sys.executable, str(client), *words], check=True, stdout=subprocess.DEVNULL)


def script(program: str) -> list[tuple[bytes, bytes]]:
    """Return requests and their answers: what is set is read again, with hits and misses."""
    made = []
    for number in range(STEPPED // 2):
        key, value = b"step:%04d" % (number % 50), b"value:%06d" % number
        if program == "kvd":
            made.append((b"*3\r\n$3\r\nSET\r\n$9\r\n%s\r\n$12\r\n%s\r\n" % (key, value), b"+OK\r\n"))
            made.append((b"*2\r\n$3\r\nGET\r\n$9\r\n%s\r\n" % key, b"$12\r\n%s\r\n" % value))
        else:
            made.append((b"set %s 0 0 12\r\n%s\r\n" % (key, value), b"STORED\r\n"))
            made.append((b"get %s\r\n" % key, b"VALUE %s 0 12\r\n%s\r\nEND\r\n" % (key, value)))
    return made


def count(pid: int, port: int, step: Path, requests: Sequence[tuple[bytes, bytes]]) -> tuple[float, float]:
    """Return how many instructions one of the requests takes, of which every second one is alike, and the program's."""
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        answer(connection, requests[:4])  # what happens once per connection is not counted
        with subprocess.Popen([step, str(pid)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as stepper:
            assert stepper.stdout is not None
            if stepper.stdout.readline() != "stepping\n":
                raise SystemExit(f"process {pid} cannot be stepped: tracing is not permitted")
            steps = [_steps(stepper)]
            for request in requests:
                answer(connection, [request])
                steps.append(_steps(stepper))
    return _of_one([every for every, _ in steps]), _of_one([every - libraries for every, libraries in steps])


def _of_one(steps: Sequence[int]) -> float:
    each = [after - before for before, after in pairwise(steps)]
    return (statistics.median(each[::2]) + statistics.median(each[1::2])) / 2


def _steps(stepper: "subprocess.Popen[str]") -> tuple[int, int]:
    """Return how many instructions the process has run when it is blocked again, and how many of them in libraries."""
    assert stepper.stdin is not None
    assert stepper.stdout is not None
    stepper.stdin.write(".")
    stepper.stdin.flush()
    every, libraries = map(int, stepper.stdout.readline().split())
    return every, libraries


def answer(connection: socket.socket, requests: Sequence[tuple[bytes, bytes]]) -> None:
    """Make each request and check its answer, or those of many."""
    for request, wanted in requests:
        connection.sendall(request)
        received = b""
        while len(received) < len(wanted):
            piece = connection.recv(4096)
            received += piece
            if not piece or not wanted.startswith(received):
                raise SystemExit(f"{request!r} was answered by {received!r}")


def show(programs: dict[str, list[Candidate]], rows: Rows) -> int:
    """Print the table, keep what was measured, and return whether everything that must hold does."""
    heads = "".join(f"{head:>12}{'spread':>8}{'/ plain':>9}" for head in ("own instr.", "all instr."))
    print(f"{'':32}{heads}{'cpu us':>9}{'/ plain':>9}{'middle half of all turns':>26}")
    missed = []
    for program, candidates in programs.items():
        for candidate in candidates:
            row, rival = rows[f"{program} {candidate.name}"], rows[f"{program} {candidate.rival or candidate.name}"]
            counted = [_counted(row[name], rival[name]) for name in ("own", "instructions") if not candidate.control]
            low, ratio, high = statistics.quantiles([a / b for a, b in zip(row["ns"], rival["ns"], strict=True)], n=4)
            timed = f"{statistics.median(row['ns']) / 1000:9.2f}{ratio:9.4f}{low:17.4f} - {high:.4f}"
            print(f"{program + ' ' + candidate.name:32}{''.join(counted) or ' ' * 58}{timed}")
            if candidate.bundles and min(row["own"]) > (1 + LIMIT) * min(rival["own"]):
                missed.append(f"{program} {candidate.name}: more instructions than {candidate.rival}")
            if candidate.bundles and low > 1 + LIMIT:
                missed.append(f"{program} {candidate.name}: more processor time than {candidate.rival}")
    save_rows("steady", rows, unit="instructions and ns per request")
    for each in missed:
        print(f"MISSED  {each}")
    return 1 if missed else 0


def _counted(runs: Sequence[float], rival: Sequence[float]) -> str:
    return f"{min(runs):12,.0f}{_spread(runs):8.1%}{min(runs) / min(rival):9.4f}"


def _spread(runs: Sequence[float]) -> float:
    return (max(runs) - min(runs)) / statistics.median(runs)


if __name__ == "__main__":
    sys.exit(main())
