"""One page with every figure in corpora/bench/results: `python -m corpora.bench.page` writes results/index.html.

Each benchmark is a section: every run a dot, the median a bar, so that the machine's noise is seen beside the figure;
and a table of medians with the ratio to the first candidate, which is the rival. The page needs nothing beside itself.
"""

import html
import io
import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from corpora.bench.measure import RESULTS

PAGE = RESULTS / "index.html"
_TITLES = {
    "author": "Authoring an update of redis",
    "curve": "Cost of reading as a program grows",
    "diff": "Comparing two versions of redis",
    "faults": "Updates of running servers in which something breaks",
    "migrate": "Conversion of live objects, beside a loop by hand",
    "pause": "Pause by the number of live objects",
    "real": "Real servers through their distribution's updates",
    "served": "redis and memcached: cost of a request, before and after an update",
    "steady": "Cost of a request, before and after updates",
    "streaks": "Servers through all of their versions and back, under load",
}
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px }
th, td { padding: 0.2rem 0.8rem; border-bottom: 1px solid #ddd; text-align: right }
th:first-child, td:first-child { text-align: left }
svg { max-width: 100%; height: auto }
"""
_HEAD = f"""\
<!doctype html><html lang="en"><meta charset="utf-8"><title>patchkit: benchmarks</title><style>{_STYLE}</style>
<h1>Benchmarks</h1>
<p>All candidates of a section run in turns in the same run. Each dot is a run, the bar is the median: how far the dots
lie apart is the machine's noise. Ratios are to the first row.</p>
"""
Runs = Mapping[str, Mapping[str, Any]]


def main() -> None:
    """Write the page from what the benchmarks have left."""
    sections = [
        part for path in sorted(RESULTS.glob("*.json")) for part in section(path.stem, json.loads(path.read_text()))
    ]
    PAGE.write_text(f"{_HEAD}{''.join(sections)}\n", encoding="utf-8")
    print(f"wrote {PAGE}")


def section(name: str, data: Any) -> Iterator[str]:
    """Yield the HTML of one benchmark."""
    yield f"<h2>{html.escape(_TITLES.get(name, name))}</h2>"
    if isinstance(data, list):
        yield picture(pauses(data), "pause, ms", log=False)
        return
    facts = ", ".join(f"{key}: {value}" for key, value in data.items() if key not in ("runs", "unit"))
    yield f"<p>{html.escape(facts)}</p>"
    runs: Runs = data.get("runs", {})
    if runs and all(candidate.isdigit() for candidate in runs):
        yield curve(runs)
    for metric in metrics(runs):
        measured = {key: row[metric] for key, row in runs.items() if row.get(metric)}
        yield f"<h3>{html.escape(metric)}</h3>"
        if any(len(values) > 1 for values in measured.values()):
            yield picture(measured, data.get("unit", ""), log=True)
        yield table(measured)


def metrics(runs: Runs) -> list[str]:
    """Return what was measured of the candidates: the names under which lists of numbers are kept."""
    found = dict[str, None]()
    for row in runs.values():
        found |= {
            key: None
            for key, values in row.items()
            if isinstance(values, list) and values and all(isinstance(each, int | float) for each in values)
        }
    return list(found)


def pauses(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """Return the pauses of each chain of real servers."""
    found = dict[str, list[float]]()
    for row in rows:
        if not row["reason"]:
            found.setdefault(f"{row['program']} {row['chain']}", []).append(row["pause"])
    return found


def picture(measured: Mapping[str, Sequence[float]], unit: str, *, log: bool) -> str:
    """Return an SVG: a row for each candidate, a dot for each run, a bar at the median."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 0.8 + 0.35 * len(measured)), layout="constrained")
    axes = figure.subplots()
    for row, values in enumerate(measured.values()):
        axes.plot(values, [row] * len(values), "o", alpha=0.35, markersize=4, color="tab:blue")
        axes.plot([statistics.median(values)] * 2, [row - 0.3, row + 0.3], color="black")
    axes.set_yticks(range(len(measured)), list(measured))
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    if log and all(value > 0 for values in measured.values() for value in values):
        axes.set_xscale("log")
    return _svg(figure)


def curve(runs: Runs) -> str:
    """Return an SVG of wall seconds by the size of the program."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([int(size) for size in runs], [statistics.median(row["wall"]) for row in runs.values()], "o-")
    axes.set(xscale="log", yscale="log", xlabel="lines", ylabel="seconds")
    return _svg(figure)


def _svg(figure: Any) -> str:
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None})
    text = written.getvalue()
    return text[text.index("<svg") :]


def table(measured: Mapping[str, Sequence[float]]) -> str:
    """Return medians, the spread of the middle half, and ratios to the first candidate."""
    first = statistics.median(next(iter(measured.values())))
    lines = ["<table><tr><th></th><th>runs</th><th>median</th><th>middle half</th><th>ratio</th></tr>"]
    for name, values in measured.items():
        median = statistics.median(values)
        low, _, high = statistics.quantiles(values, n=4) if len(values) > 1 else (median, median, median)
        ratio = f"{median / first:.3f}" if first else ""
        cells = (html.escape(name), len(values), f"{median:.4g}", f"{low:.4g} to {high:.4g}", ratio)
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    return "".join([*lines, "</table>"])


if __name__ == "__main__":
    main()
