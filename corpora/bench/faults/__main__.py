"""`python -m corpora.bench.faults [--seed N] [--runs N] [--only NAME]`: the campaign and its table."""

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from unittest.mock import patch

from rich.console import Console
from rich.table import Table

from corpora.bench.faults.campaign import Campaign, plan_of
from corpora.bench.faults.catalogue import FAULTS
from corpora.bench.faults.stock import Stock
from corpora.bench.measure import RESULTS


def main() -> int:
    """Run the campaign; 1 where a process was lost, an answer was wrong, or something else came of a fault."""
    options = _options()
    faults = [fault for fault in FAULTS if not options.only or fault.name in options.only]
    plan = plan_of(faults, options.runs, options.seed)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="patchkit-faults-") as place:
        folder = Path(place)
        with patch.dict(os.environ, {"PATCHKIT_CACHE": str(folder / "cache")}):
            campaign = Campaign(Stock(folder, folder / "cache"), options.seed)
            campaign.run(plan, lambda number: _progress(number + 1, len(plan)))
    _print(campaign)
    if campaign.troubles:
        only = "".join(f" --only {name}" for name in options.only or ())
        print(f"to see it again: --seed {options.seed} --runs {options.runs}{only}")
    _save(campaign, len(plan), time.monotonic() - begun, whole=not options.only)
    return 1 if campaign.troubles else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Break updates of real processes, which have to go on.")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    names = [fault.name for fault in FAULTS]
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help=", ".join(names))
    return parser.parse_args()


def _progress(done: int, of: int) -> None:
    if done % 50 == 0 or done == of:
        print(f"  {done} of {of}", file=sys.stderr, flush=True)


def _print(campaign: Campaign) -> None:
    table = Table("fault", *("runs", "refused", "applied", "processes lost", "wrong answers"), "heard")
    for column in table.columns[1:6]:
        column.justify = "right"
    tallies = campaign.tallies
    for fault in FAULTS:
        if fault.name in tallies:
            tally = tallies[fault.name]
            heard = ", ".join(f"{result} {count}" for result, count in _by_count(tally.results))
            numbers = (tally.runs, tally.refused, tally.applied, tally.lost, tally.wrong)
            table.add_row(fault.what, *map(str, numbers), heard)
    table.add_section()
    sums = [sum(getattr(tally, name) for tally in tallies.values()) for name in _COUNTED]
    table.add_row("all", *map(str, sums))
    console = Console()
    console.print(table)
    for trouble in campaign.troubles:
        console.print(f"run {trouble.number}, {trouble.fault} against {trouble.program}: {trouble.text}", markup=False)


def _by_count(results: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(results.items(), key=lambda item: -item[1])


_COUNTED = ("runs", "refused", "applied", "lost", "wrong")


def _save(campaign: Campaign, runs: int, seconds: float, *, whole: bool) -> None:
    """Keep a whole campaign as JSON beside the benchmarks'."""
    if not whole:
        return
    data = {
        "when": time.strftime("%Y-%m-%d"),
        "processors": os.cpu_count(),
        "seed": campaign.seed,
        "runs": runs,
        "seconds": round(seconds),
        "faults": {name: asdict(tally) for name, tally in sorted(campaign.tallies.items())},
        "troubles": [asdict(trouble) for trouble in campaign.troubles],
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "faults.json").write_text(json.dumps(data, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
