"""What the load clients of the server programs share: counting what was seen, when to stop, and the report.

A client keeps a `Tally` per connection, which only that connection writes, and one `Silence` for all of them. Its
report is one line of JSON; `passed` says whether everything in it was right.
"""

import argparse
import asyncio
import json
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

EXAMPLES_KEPT = 5
STEPS_PER_DOUBLING = 32  # a quantile is right to 1/32 of itself
MEANT_TO_BE_ZERO = ("wrong", "lost", "errors", "lost_connections")

Stop = Callable[[int], bool]  # of the requests made so far on one connection


class Latencies:
    """How long answers took, in buckets that grow with the value: any number of them in bounded memory."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.longest = 0.0

    def add(self, seconds: float) -> None:
        microseconds = max(int(seconds * 1e6), 0)
        shift = max(microseconds.bit_length() - STEPS_PER_DOUBLING.bit_length(), 0)
        bucket = shift * STEPS_PER_DOUBLING + (microseconds >> shift)
        self.counts[bucket] = self.counts.get(bucket, 0) + 1
        self.longest = max(self.longest, seconds)

    def merge(self, other: "Latencies") -> None:
        for bucket, count in other.counts.copy().items():
            self.counts[bucket] = self.counts.get(bucket, 0) + count
        self.longest = max(self.longest, other.longest)

    def quantile(self, share: float) -> float:
        """Return the seconds within which `share` (0 to 1) of the answers came."""
        wanted = share * sum(self.counts.values())
        seen = 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= wanted:
                shift = max(bucket // STEPS_PER_DOUBLING - 1, 0)
                least = bucket - shift * STEPS_PER_DOUBLING
                return min(((least + 1) << shift) / 1e6, self.longest)
        return 0.0


class Silence:
    """The longest time between two answers, whatever connections they came on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = time.monotonic()
        self.longest = 0.0

    def answered(self, now: float) -> None:
        with self._lock:
            self.longest = max(self.longest, now - self._last)
            self._last = max(self._last, now)


@dataclass
class Tally:
    """What one connection saw.

    `wrong` answers differ from the model; what is `lost` was acknowledged and is gone; `errors` are answers that failed
    and connections that could not be used, those that were lost among them.
    """

    requests: int = 0
    wrong: int = 0
    lost: int = 0
    errors: int = 0
    lost_connections: int = 0
    reconnects: int = 0
    latencies: Latencies = field(default_factory=Latencies)
    examples: list[str] = field(default_factory=list)

    def answered(self, begin: float, silence: Silence) -> None:
        """Count an answer to a request that was sent at `begin` (of time.monotonic)."""
        now = time.monotonic()
        self.requests += 1
        self.latencies.add(now - begin)
        silence.answered(now)

    def note(self, text: str) -> None:
        if len(self.examples) < EXAMPLES_KEPT:
            self.examples.append(text)

    def lose_connection(self, problem: Exception) -> None:
        self.errors += 1
        self.lost_connections += 1
        self.note(f"connection: {problem or type(problem).__name__}")


def add_arguments(parser: argparse.ArgumentParser, *, port: int, connections: int, requests: int) -> None:
    """Add the options that every client has; `requests` is how many a connection makes where no end is given."""
    parser.set_defaults(standard_requests=requests)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=port)
    parser.add_argument("--connections", type=int, default=connections)
    parser.add_argument("--seconds", type=float, default=0.0, help="run this long")
    parser.add_argument(
        "--requests", type=int, default=0, help="requests per connection; with --seconds whichever is first"
    )
    parser.add_argument("--until-stdin-closes", action="store_true", help="run until standard input ends")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds to wait for an answer")
    parser.add_argument("--reconnect", type=float, default=3.0, help="seconds to try again after a lost connection")
    parser.add_argument("--report", type=float, default=0.0, help="print what was seen so far every so many seconds")
    parser.add_argument("--prefix", default="c", help="what the names of all keys or files start with")
    parser.add_argument("--seed", type=int, default=1)


def make_stop(options: argparse.Namespace, event: threading.Event | None = None) -> Stop:
    """Return what says when to stop: the options, or `event`, whichever is first."""
    closed = event or threading.Event()
    if options.until_stdin_closes:
        threading.Thread(target=_set_at_end_of_input, args=(closed,), daemon=True).start()
    requests = options.requests
    if not (options.seconds or requests or options.until_stdin_closes or event):
        requests = options.standard_requests
    end = time.monotonic() + options.seconds if options.seconds else float("inf")

    def stop(made: int) -> bool:
        return closed.is_set() or time.monotonic() >= end or bool(requests and made >= requests)

    return stop


def _set_at_end_of_input(closed: threading.Event) -> None:
    sys.stdin.read()
    closed.set()


def summary(tallies: Iterable[Tally], silence: Silence, elapsed: float, **more: object) -> dict[str, object]:
    """Return what all connections saw together; times are in milliseconds but `seconds`."""
    seen = list(tallies)
    latencies = Latencies()
    for tally in seen:
        latencies.merge(tally.latencies)
    requests = sum(tally.requests for tally in seen)
    return {
        "connections": len(seen),
        "requests": requests,
        **more,
        "wrong": sum(tally.wrong for tally in seen),
        "lost": sum(tally.lost for tally in seen),
        "errors": sum(tally.errors for tally in seen),
        "lost_connections": sum(tally.lost_connections for tally in seen),
        "reconnects": sum(tally.reconnects for tally in seen),
        "seconds": round(elapsed, 3),
        "per_second": round(requests / elapsed) if elapsed else 0,
        "p50_ms": _milliseconds(latencies.quantile(0.5)),
        "p99_ms": _milliseconds(latencies.quantile(0.99)),
        "slowest_ms": _milliseconds(latencies.longest),
        "silence_ms": _milliseconds(silence.longest),
        "examples": [example for tally in seen for example in tally.examples][:EXAMPLES_KEPT],
    }


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)


def passed(result: dict[str, object]) -> bool:
    """Return whether nothing in a summary was wrong, lost or failed."""
    return not any(result.get(name) for name in MEANT_TO_BE_ZERO)


def finish(result: dict[str, object]) -> int:
    """Print a summary as the last line and return the exit code."""
    print(json.dumps(result), flush=True)
    return 0 if passed(result) else 1


@contextmanager
def reporting(interval: float, current: Callable[[], dict[str, object]]) -> Iterator[None]:
    """Print what `current` returns every `interval` seconds, where that is not 0, until the block ends."""
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(interval):
            print(json.dumps(current()), flush=True)

    thread = threading.Thread(target=work, daemon=True)
    if interval > 0:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if interval > 0:
            thread.join()


class Runner(Protocol):
    """One of the connections of a client that runs on asyncio."""

    tally: Tally

    async def run(self, stop: Stop) -> None:
        """Play until `stop`."""


def run_all(
    options: argparse.Namespace,
    runners: Sequence[Runner],
    silence: Silence,
    event: threading.Event | None,
    **more: Callable[[], object],
) -> dict[str, object]:
    """Run all connections to their end and return what they saw; `more` are further entries of the summary."""
    begin = time.monotonic()

    def seen() -> dict[str, object]:
        extra = {name: value() for name, value in more.items()}
        return summary([runner.tally for runner in runners], silence, time.monotonic() - begin, **extra)

    async def work() -> None:
        stop = make_stop(options, event)
        await asyncio.gather(*(runner.run(stop) for runner in runners))

    with reporting(options.report, seen):
        asyncio.run(work())
    return seen()


async def persevere(tally: Tally, seconds: float, session: Callable[[], Awaitable[None]]) -> None:
    """Run a session over a new connection; where it fails, count that and try others for `seconds`.

    A session counts its own reconnect once it is connected.
    """
    end = 0.0
    connected = -1
    while True:
        try:
            return await session()
        except (OSError, EOFError, ValueError) as problem:
            if connected != tally.reconnects:
                connected = tally.reconnects
                end = time.monotonic() + seconds
                tally.lose_connection(problem)
        if time.monotonic() >= end:
            return None
        await asyncio.sleep(0.02)
