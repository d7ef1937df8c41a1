"""How long a code-only update stops a process, and whether that grows with what the process holds.

kvd v1 -> v1.1 with 1 to 10⁷ live keys, and `nodes` release 1 -> 2 with a list of 10 to 10⁷ nodes. Every process is
filled once; then they take turns: apply, revert, then both again with a rehearsal before. Rows are milliseconds in
which all threads stood still. A rehearsal forks the process, which leaves the processor's caches cold, the colder the
more memory there is: so the switch is told with one just before and without. The rival of every row is the first of
its program, which holds next to nothing.
"""

import statistics
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from corpora.bench.measure import save_rows
from corpora.bench.processes import CORPORA, PLACE, apply, bundle, record, rehearse, revert, running, status, wait_for
from corpora.programs.kvd.resp import Connection

KEYS = (1, 10**5, 10**6, 10**7)
NODES = (10, 10**7)
ROUNDS = 7
PIECE = 10_000  # requests that are sent at once
LIMIT = 5.0  # ms


@dataclass(slots=True)
class Held:
    """A process that holds something, and its pauses in ms."""

    pid: int
    path: Path
    mib: int
    switching: list[float] = field(default_factory=list)
    rehearsed: list[float] = field(default_factory=list)
    forking: list[float] = field(default_factory=list)
    reverting: list[float] = field(default_factory=list)


def main() -> int:
    """Run the benchmark with up to as many keys and nodes as given (default 10⁷) and print the table."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else max(KEYS)
    place = PLACE / "pause"
    kvd = [record(CORPORA / "programs/kvd" / version, place / version) for version in ("v1", "v1.1")]
    nodes = [record(CORPORA / "bench/programs", place / f"nodes{n}", f"RELEASE={n}", "nodes") for n in (1, 2)]
    paths = bundle(kvd[0], kvd[1]), bundle(nodes[0], nodes[1])
    with ExitStack() as stack:
        held = {}
        for count in (each for each in KEYS if each <= most):
            held[f"kvd, {count:,} keys"] = stack.enter_context(_server(kvd[0] / "kvd", place, paths[0], count))
        for count in (each for each in NODES if each <= most):
            held[f"nodes, {count:,} in a list"] = stack.enter_context(_list(nodes[0] / "nodes", paths[1], count))
        for number in range(ROUNDS):
            print(f"  round {number + 1}/{ROUNDS}", file=sys.stderr, flush=True)
            for each in held.values():
                take_turn(each)
    show(held)
    return 0 if all(statistics.median(each.rehearsed) < LIMIT for each in held.values()) else 1


def take_turn(held: Held) -> None:
    """Bring a process to its next version and back, twice."""
    held.switching.append(apply(held.pid, held.path, rehearse=False).pause)
    held.reverting.append(revert(held.pid))
    held.forking.append(rehearse(held.pid, held.path))
    held.rehearsed.append(apply(held.pid, held.path).pause)
    revert(held.pid)


@contextmanager
def _server(binary: Path, place: Path, path: Path, keys: int) -> Iterator[Held]:
    socket = place / f"{keys}.socket"
    socket.unlink(missing_ok=True)
    command: list[str | Path] = [binary, "--port", "0", "--unixsocket", socket, "--dir", place, "--save", "0 0"]
    with running(command, place, preloaded=True) as process:
        wait_for(lambda: process.poll() is not None or socket.exists(), "the server's socket")
        fill(Connection(str(socket), 60), keys)
        yield Held(process.pid, path, status(process.pid, "VmRSS") // 1024)


def fill(connection: Connection, keys: int) -> None:
    """Set so many keys of a dozen bytes each."""
    for first in range(0, keys, PIECE):
        numbers = range(first, min(first + PIECE, keys))
        connection.send(b"".join(b"*3\r\n$3\r\nSET\r\n$12\r\nkey:%08d\r\n$8\r\n%08d\r\n" % (n, n) for n in numbers))
        for _ in numbers:
            if connection.receive() != b"OK":
                raise SystemExit("kvd did not take a key")


@contextmanager
def _list(binary: Path, path: Path, count: int) -> Iterator[Held]:
    with running([binary, "list", str(count)], path.parent, preloaded=True) as process:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise SystemExit(f"{binary} did not start")
        yield Held(process.pid, path, status(process.pid, "VmRSS") // 1024)


def show(held: Mapping[str, Held]) -> None:
    """Print the table and keep what was measured."""
    heads = f"{'switch ms':>11}{'median':>8}{'worst':>8}{'ratio':>7}{'rehearsed':>11}{'worst':>8}"
    heads += f"{'revert':>8}{'fork':>8}{'median':>8}"
    print(f"{'':28}{'MiB':>7}{heads}")
    least: dict[str, float] = {}
    for name, each in held.items():
        pauses = each.switching
        rival = least.setdefault(name.partition(",")[0], statistics.median(pauses))
        print(
            f"{name:28}{each.mib:7,}{min(pauses):11.2f}{statistics.median(pauses):8.2f}{max(pauses):8.2f}"
            f"{statistics.median(pauses) / rival:7.2f}"
            f"{statistics.median(each.rehearsed):11.2f}{max(each.rehearsed):8.2f}"
            f"{min(each.reverting):8.2f}{min(each.forking):8.2f}{statistics.median(each.forking):8.2f}"
        )
    rows = {
        name: {
            "MiB": each.mib,
            "switch": each.switching,
            "switch after a rehearsal": each.rehearsed,
            "revert": each.reverting,
            "fork": each.forking,
        }
        for name, each in held.items()
    }
    save_rows("pause", rows, unit="ms")


if __name__ == "__main__":
    sys.exit(main())
