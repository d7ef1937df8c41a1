"""Each server of the corpus, brought through all of its versions under full load, again and again: nothing may be lost.

One round starts a program's first version, loads it, applies every bundle of its chain with the commands that a user
would type, takes the last one back, applies it once more, and lets the client read everything back. What is counted as
lost is what the client calls so: wrong answers, state that was acknowledged and is gone, answers that failed, and
connections that broke. `ftpd` has a process for each session, so each of its updates is one of a tree.
"""

import os
import re
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

from corpora.bench.measure import save_rows
from tests.support.chains import AUTHORED, CHAINS
from tests.support.live import Chain, make_authored_chain, make_chain
from tests.support.walks import FAULTS, Walk, walking

ROUNDS = 20
BETWEEN = 300  # requests that are answered between two updates, at least


@dataclass(slots=True)
class Row:
    """What all rounds of one program saw; times in ms."""

    rounds: int = 0
    updates: int = 0  # of one process each, what is taken back included
    requests: int = 0
    connections: int = 0
    lost: int = 0
    refused: int = 0
    pauses: list[float] = field(default_factory=list)
    silences: list[float] = field(default_factory=list)


def main() -> int:
    """Run so many rounds as given (default 20) of each program and print the table; 1 where anything was lost."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory(prefix="patchkit-streaks-") as place:
        cache = Path(place) / "cache"
        with patch.dict(os.environ, {"PATCHKIT_CACHE": str(cache)}):
            chains = {program: make_chain(program, Path(place) / program) for program in CHAINS}
            for program in AUTHORED:
                chains[f"{program}, types"] = make_authored_chain(program, Path(place) / f"{program}-types")
            rows = {name: Row() for name in chains}
            begun = time.monotonic()
            for number in range(rounds):
                print(f"  round {number + 1}/{rounds}", file=sys.stderr, flush=True)
                for name, chain in chains.items():
                    walk_through(chain, Path(place), cache, rows[name])
    show(rows, time.monotonic() - begun)
    return 1 if any(row.lost or row.refused for row in rows.values()) else 0


def walk_through(chain: Chain, place: Path, cache: Path, row: Row) -> None:
    """Bring a new process through the chain, back by one and on again, under load all the time."""
    there: list[tuple[str | Path, ...]] = [("apply", path) for path in chain.bundles]
    with tempfile.TemporaryDirectory(dir=place) as folder, walking(chain, Path(folder), cache) as walk:
        for words in (*there, ("revert",), there[-1]):
            walk.load.wait_for_more(BETWEEN)
            ask(walk, row, *words)
        walk.load.wait_for_more(BETWEEN)
        seen = walk.load.finish()
    row.rounds += 1
    row.requests += seen["requests"]
    row.connections += seen["connections"]
    row.lost += sum(seen[name] for name in FAULTS)
    row.silences.append(seen["silence_ms"])
    if seen["examples"]:
        print("\n".join(seen["examples"]), file=sys.stderr)


def ask(walk: Walk, row: Row, *words: str | Path) -> None:
    """Carry out one step, of every process of the server, and note what it took."""
    done = walk.ask(str(words[0]), *words[1:])
    pauses = [float(text) for text in re.findall(r"([\d.]+) ms pause", done.out)]
    row.pauses += pauses
    row.updates += len(pauses)
    if done.code != 0:
        row.refused += 1
        print(done.err, file=sys.stderr)


def show(rows: dict[str, Row], seconds: float) -> None:
    """Print the table and keep what was measured."""
    print(
        f"{'':12}{'rounds':>7}{'updates':>9}{'requests':>12}{'connections':>13}"
        f"{'worst pause':>14}{'silence':>12}{'lost':>6}"
    )
    for program, row in rows.items():
        print(
            f"{program:12}{row.rounds:7}{row.updates:9,}{row.requests:12,}{row.connections:13,}"
            f"{max(row.pauses):11.1f} ms{max(row.silences):9.1f} ms{row.lost:6}"
            + (f"  {row.refused} refused" if row.refused else "")
        )
    print(f"{seconds:.0f} s")
    save_rows("streaks", {name: {each: getattr(row, each) for each in Row.__slots__} for name, row in rows.items()})


if __name__ == "__main__":
    sys.exit(main())
