"""What the benchmarks share: run commands in turns, and print each as a ratio to a named rival of the same run."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PATCHKIT = (sys.executable, "-m", "patchkit")
RESULTS = Path(__file__).parent / "results"


@dataclass(slots=True)
class Series:
    """The runs of one candidate: wall seconds, processor seconds (children included) and peak memory in MiB."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


def run(command: Sequence[str], cwd: Path, environ: Mapping[str, str] | None = None) -> tuple[float, float, float]:
    """Run a command to its end; return wall seconds, processor seconds and the peak of its largest process in MiB."""
    # GNU time is not everywhere; a child that reports its own children is.
    script = (
        "import json,resource,subprocess,sys,time\n"
        "t=time.perf_counter()\n"
        "subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,stderr=subprocess.DEVNULL,stdin=subprocess.DEVNULL)\n"
        "w=time.perf_counter()-t\n"
        "u=resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(json.dumps([w,u.ru_utime+u.ru_stime,u.ru_maxrss/1024]))\n"
    )
    # Where compiled modules are not kept, as in many containers, Python compiles them anew at every start.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", script, *command],
        cwd=cwd,
        env={**kept, **(environ or {})},
        capture_output=True,
        text=True,
        check=True,
    )
    wall, cpu, memory = json.loads(done.stdout)
    return wall, cpu, memory


def interleave(candidates: Mapping[str, Callable[[], tuple[float, float, float]]], rounds: int) -> dict[str, Series]:
    """Run every candidate once per round, so that what disturbs the machine disturbs all of them alike."""
    series = {name: Series() for name in candidates}
    for number in range(rounds):
        for name, candidate in candidates.items():
            print(f"  round {number + 1}/{rounds}: {name}", file=sys.stderr, flush=True)
            wall, cpu, memory = candidate()
            series[name].wall.append(wall)
            series[name].cpu.append(cpu)
            series[name].memory.append(memory)
    return series


def table(series: Mapping[str, Series], rivals: Sequence[str]) -> str:
    """Return a table of medians with the spread of the runs, and ratios to each rival (below 1: faster than it)."""
    heads = [f"/ {rival}" for rival in rivals]
    lines = [f"{'':44}{'wall s':>8}{'spread':>8}{'cpu s':>8}{'MiB':>6}" + "".join(f"{head:>26}" for head in heads)]
    for name, runs in series.items():
        wall = statistics.median(runs.wall)
        spread = (max(runs.wall) - min(runs.wall)) / wall if wall else 0.0
        ratios = "".join(f"{wall / statistics.median(series[rival].wall):26.2f}" for rival in rivals)
        cpu, memory = statistics.median(runs.cpu), max(runs.memory)
        lines.append(f"{name:44}{wall:8.2f}{spread:8.0%}{cpu:8.2f}{memory:6.0f}{ratios}")
    return "\n".join(lines)


def save(name: str, series: Mapping[str, Series], **facts: object) -> None:
    """Keep the runs of a benchmark as JSON beside the others."""
    save_rows(name, {name: {"wall": s.wall, "cpu": s.cpu, "memory": s.memory} for name, s in series.items()}, **facts)


def save_rows(name: str, rows: Mapping[str, Mapping[str, object]], **facts: object) -> None:
    """Keep what a benchmark measured of each candidate, whatever it measures."""
    RESULTS.mkdir(exist_ok=True)
    data = {"when": time.strftime("%Y-%m-%d"), "processors": os.cpu_count(), **facts, "runs": rows}
    (RESULTS / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n")
