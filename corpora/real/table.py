"""Writes what the walks saw into the documentation: `python -m corpora.real.table`, after `corpora.real.walk`."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from corpora.bench.measure import RESULTS
from corpora.real.recipe import names
from corpora.real.walk import Row

ROOT = Path(__file__).resolve().parents[2]
SUMMARY, STEPS = "summary of the walks", "steps of the walks"


def main() -> None:
    """Rewrite the tables in README.md and docs/real-servers.md."""
    data = json.loads((RESULTS / "real.json").read_text(encoding="utf-8"))
    rows = [Row(**{**each, "unproved": tuple(each["unproved"])}) for each in data]
    rows.sort(key=lambda row: (names().index(row.program), row.chain != "series", row.chain))
    for path, name, lines in (
        (ROOT / "README.md", SUMMARY, summary(rows)),
        (ROOT / "docs/real-servers.md", SUMMARY, summary(rows)),
        (ROOT / "docs/real-servers.md", STEPS, steps(rows)),
    ):
        head, mark, rest = path.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")
        end = f"<!-- end of the {name} -->"
        if end not in rest:
            raise SystemExit(f"{path} has no `{mark.strip() or name}` with its end: put both back")
        path.write_text(head + mark + "\n".join(lines) + "\n" + rest[rest.index(end) :], encoding="utf-8")


def summary(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a line for each chain."""
    yield "| program | chain | applied | lines edited | C written | answers | longest pause | requests | lost, wrong |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for (program, chain), group in groupby(rows, key=lambda row: (row.program, row.chain)):
        own = list(group)
        applied = [row for row in own if not row.reason]
        pause = f"{max(row.pause for row in applied):.1f} ms" if applied else ""
        yield (
            f"| {program} | {chain} | {len(applied)} of {len(own)} | 0 | {total(row.written for row in applied)} "
            f"| {total(row.asked for row in applied)} | {pause} | {total(row.requests for row in own)} "
            f"| {total(row.faults for row in own)} |"
        )


def total(numbers: Iterable[int]) -> str:
    """Return a sum as people read it."""
    return f"{sum(numbers):,}"


def steps(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a line for each step."""
    yield "| program | chain | to | lines in the patch | answers | C | pause | memory | not applied, because |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for row in rows:
        pause, memory = ("", "") if row.reason else (f"{row.pause:.1f} ms", f"{row.grown:+.1%}")
        yield (
            f"| {row.program} | {row.chain} | {row.title} | {row.changed} | {row.asked} | {row.written} | {pause} "
            f"| {memory} | {row.reason.replace('|', '/')} |"
        )


if __name__ == "__main__":
    main()
