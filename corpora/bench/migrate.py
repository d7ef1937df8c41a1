"""What it costs to convert live state: a hash table of 10⁶ nodes of 16 bytes that become 24.

The rival is `by_hand`: the loop that a programmer would write for just this table, with a map that is as large from the
start as it has to become. It finds the nodes, moves them, rewrites every reference and frees the old nodes, as an
update does. `moved` is the update whose nodes all get new places, `in place` the one that may use what malloc has left
behind each of them. What stands still meanwhile is the whole process, so the milliseconds are those of the pause, with
what is freed in it; processor time is that of the process until the update is answered. Bytes per node are the peak of
the process above what it held before.
"""

import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from corpora.bench.measure import save_rows
from corpora.bench.processes import (
    CORPORA,
    PLACE,
    Applied,
    apply,
    bundle,
    forget_peak,
    patchkit,
    record,
    running,
    status,
)

NODES = 10**6
LISTS = (10**6, 10**7)
ROUNDS = 5
LIMIT = 60.0  # bytes per node above the rival
Row = dict[str, list[float]]


def main() -> int:
    """Run the benchmark with so many nodes as given in the table (default 10⁶) and print the table."""
    nodes = int(sys.argv[1]) if len(sys.argv) > 1 else NODES
    place = PLACE / "migrate"
    old, new = (record(CORPORA / "bench/programs", place / f"nodes{n}", f"RELEASE={n}", "nodes") for n in (1, 3))
    subprocess.run(["make", "-s", "RELEASE=1", "by_hand"], cwd=old, check=True)
    moved = bundle(old, new, "--update", author(old, new, place / "moved", "malloc free"))
    fitting = bundle(old, new, "--update", author(old, new, place / "fitting", "malloc free malloc_usable_size"))
    rows: dict[str, Row] = defaultdict(lambda: defaultdict(list))
    for number in range(ROUNDS):
        print(f"  round {number + 1}/{ROUNDS}", file=sys.stderr, flush=True)
        by_hand(old, nodes, rows["by hand"])
        convert(old, "table", nodes, moved, rows["table, moved"])
        convert(old, "table", nodes, moved, rows["the same, not rehearsed"], rehearse=False)
        convert(old, "table", nodes, fitting, rows["table, in place"])
    for count in (each for each in LISTS if each <= 10 * nodes):
        convert(old, "list", count, moved, rows[f"list of {count:,}, moved"])
        convert(old, "list", count, fitting, rows[f"list of {count:,}, in place"])
    return show(rows)


def author(old: Path, new: Path, update: Path, allocator: str) -> Path:
    """Author the update: two decisions are patchkit's own, the length of the table and the allocator are said here."""
    subprocess.run(["rm", "-rf", str(update)], check=True)
    said = subprocess.run(
        [sys.executable, "-m", "patchkit", "new", str(old), str(new), "-o", str(update)], cwd=update.parent, check=False
    )
    if said.returncode not in (0, 1):  # 1: questions are open
        raise SystemExit("patchkit new failed")
    for key, value, reason in (
        ("length struct table.buckets", "size", "size says how many buckets there are"),
        ("allocator struct node", allocator, "what this row of the benchmark is about"),
    ):
        patchkit("decide", "-u", update, key, value, "--reason", reason, cwd=update.parent)
    return update


def by_hand(folder: Path, nodes: int, row: Row) -> None:
    """Run the rival."""
    done = subprocess.run(["./by_hand", str(nodes)], cwd=folder, check=True, capture_output=True, encoding="utf-8")
    converting, freeing, cpu, kib = map(float, done.stdout.split())
    add(row, Applied(converting + freeing, converting, cpu), kib, nodes)


def convert(folder: Path, kind: str, nodes: int, path: Path, row: Row, *, rehearse: bool = True) -> None:
    """Update a process with so many nodes, and let it look for each of them afterwards."""
    with running(["./nodes", kind, str(nodes)], folder, preloaded=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        if process.stdout.readline() != "ready\n":
            raise SystemExit("nodes did not start")
        forget_peak(process.pid)
        before = status(process.pid, "VmRSS")
        applied = apply(process.pid, path, rehearse=rehearse)
        add(row, applied, status(process.pid, "VmHWM") - before, nodes)
        process.stdin.write("?")
        process.stdin.flush()
        found = (nodes, 0) if kind == "table" else (0, nodes)
        said = process.stdout.readline().strip()
        if said != f"release 3: {found[0]} found, {found[1]} in order, 24 bytes each":
            raise SystemExit(f"after the update of {kind}: {said}")


def add(row: Row, applied: Applied, kib: float, nodes: int) -> None:
    """Note one run."""
    row["pause"].append(applied.pause)
    row["converting"].append(applied.converting)
    row["cpu"].append(applied.cpu)
    row["bytes"].append(kib * 1024 / nodes)
    row["nodes"] = [nodes]


def show(rows: dict[str, Row]) -> int:
    """Print the table, keep what was measured, and return whether everything that must hold does."""
    rival = rows["by hand"]
    heads = f"{'pause ms':>10}{'spread':>8}{'/ by hand':>11}{'cpu ms':>10}{'/ by hand':>11}"
    heads += f"{'bytes a node':>14}{'above':>8}"
    print(f"{'':32}{heads}")
    for name, row in rows.items():
        scale = rival["nodes"][0] / row["nodes"][0]
        pause, cpu, peak = min(row["pause"]), min(row["cpu"]), max(row["bytes"])
        spread = (max(row["pause"]) - pause) / statistics.median(row["pause"])
        print(
            f"{name:32}{pause:10.1f}{spread:8.0%}{pause * scale / min(rival['pause']):11.2f}{cpu:10.1f}"
            f"{cpu * scale / min(rival['cpu']):11.2f}{peak:14.1f}{peak - max(rival['bytes']):8.1f}"
        )
    save_rows("migrate", rows, unit="ms, bytes per node")
    moved, fitting = rows["table, moved"], rows["table, in place"]
    alone = rows["the same, not rehearsed"]  # nothing forks before the loop by hand either
    holds = {
        "moved at least as fast as by hand": min(alone["cpu"]) <= min(rival["cpu"]),
        f"at most {LIMIT:.0f} bytes per node above it": max(moved["bytes"]) - max(rival["bytes"]) <= LIMIT,
        "in place faster than moved": min(fitting["cpu"]) < min(moved["cpu"]),
    }
    for what, is_so in holds.items():
        print(f"{'holds' if is_so else 'MISSED':8}{what}")
    return 0 if all(holds.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
