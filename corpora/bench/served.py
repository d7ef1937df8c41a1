"""What redis and memcached cost per request with the runtime in them, before and after an update.

The rival of each row is the same version, built plainly and started alone. All servers of a program run at the same
time and serve the same load of their usual tool in turns; what counts is the processor time that the kernel says of all
of a server's threads for it, and the ratio of a row is the median over all turns of its time to that of its rival in
the same turn. The rows `again`, of a plain build against itself, show how far a ratio can be trusted.
"""

import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from corpora.archive import Unavailable
from corpora.bench.measure import save_rows
from corpora.bench.processes import patchkit, processor_time
from corpora.real.recipe import load_recipe
from corpora.real.versions import Versions, versions_of
from corpora.real.walk import Place, make_bundle, running

TURNS = 30
# Each turn is so many requests; both tools take the same time to start, which the servers do not see.
LOADS = {
    "redis": "redis-benchmark -s {place}/socket -n 40000 -c 20 -r 10000 -t set,get -q",
    "memcached": "memcslap --servers=127.0.0.1:{port} --test=get --initial-load=2000 --execute-number=5000 "
    "--concurrency=4",
}
STEPS = {"redis": (13, 14), "memcached": (8, 9)}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server that runs, and the row that it is compared with."""

    place: Place
    rival: str


def main() -> int:
    """Run the benchmark and print its table."""
    rows: dict[str, dict[str, list[float]]] = {}
    for program in LOADS:
        try:
            versions = versions_of(load_recipe(program))
        except Unavailable as problem:
            print(f"{program}: left out, because {problem}")
            continue
        with candidates(versions) as found:
            for number in range(TURNS):
                print(f"\r  {program}: turn {number + 1}/{TURNS}", end="", file=sys.stderr, flush=True)
                take_turn(program, found, rows)
        print(file=sys.stderr)
    print(f"{'':44}{'cpu ms':>8}{'/ plain':>9}{'middle half of all turns':>26}")
    for name, row in rows.items():
        low, median, high = statistics.quantiles(row["ratio"], n=4)
        print(f"{name:44}{statistics.median(row['cpu ms']):8.1f}{median:9.3f}{f'{low:.3f} to {high:.3f}':>26}")
    save_rows("served", rows, unit="ms of processor time a turn, ratio to the plain build")
    return 0


@contextmanager
def candidates(versions: Versions) -> Iterator[Mapping[str, Candidate]]:
    """Start a plain server of both versions, twice of the first, one with the runtime, and one that was updated."""
    old, new = STEPS[versions.recipe.name]
    made = make_bundle(versions, old, new)
    if made.reason:
        raise SystemExit(f"no bundle: {made.reason}")
    with ExitStack() as stack:
        plain = {number: stack.enter_context(running(versions, number, preloaded=False)) for number in (old, new)}
        again = stack.enter_context(running(versions, old, preloaded=False))
        held = stack.enter_context(running(versions, old))
        updated = stack.enter_context(running(versions, old))
        patchkit("apply", str(updated.pid), str(made.path), cwd=versions.folder)
        yield {
            "old": Candidate(plain[old], "old"),
            "old, again": Candidate(again, "old"),
            "new": Candidate(plain[new], "new"),
            "old, with the runtime": Candidate(held, "old"),
            "old, updated to new": Candidate(updated, "new"),
        }


def take_turn(program: str, found: Mapping[str, Candidate], rows: dict[str, dict[str, list[float]]]) -> None:
    """Let each server serve the same load, and keep what it took."""
    took = {name: served(program, each.place) for name, each in found.items()}
    for name, each in found.items():
        row = rows.setdefault(f"{program} {name}", {"cpu ms": [], "ratio": []})
        row["cpu ms"].append(took[name])
        row["ratio"].append(took[name] / took[each.rival])


def served(program: str, place: Place) -> float:
    """Return the processor time of a server, in ms, for one load."""
    begun = processor_time(place.pid)
    subprocess.run(place.words(LOADS[program]), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return (processor_time(place.pid) - begun) / 1e6


if __name__ == "__main__":
    sys.exit(main())
