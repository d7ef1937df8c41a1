"""Walks real programs through their distribution's updates, under load: `python -m corpora.real.walk [redis [CHAIN]]`.

Nothing of the program is edited. Each version is built under the recorder; each update is made by patchkit alone or,
where something had to be said, from what corpora/real/updates has. The process that runs the first version is brought
to each later one while a client checks every answer. A step that cannot be applied is a row with its
reason, and a new process goes on behind it.
"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

from corpora.archive import Unavailable
from corpora.bench.measure import PATCHKIT, RESULTS
from corpora.bench.processes import status, wait_for
from corpora.programs.load import MEANT_TO_BE_ZERO
from corpora.programs.loading import Load, loading
from corpora.real.recipe import Chain, Recipe, load_recipe, names
from corpora.real.versions import Versions, versions_of

CORPORA = Path(__file__).resolve().parents[1]
BETWEEN = 10_000  # answers between two updates
SETTLED = 60  # s, within which the load has to have stored what it stores
SHORT = "short"  # the chain of a recipe that is walked on its own by `--short`, and not among all


@dataclass(frozen=True, slots=True)
class Row:
    """One step of a chain.

    `changed` are the lines that the source's patches add and take away, `asked` the questions that patchkit could not
    answer by itself, `written` the lines of C that were written for it. `reason` says why it was not applied, and is
    empty where it was; `unproved` are versions whose fix is not in force although it should be. `pause` is in ms;
    `before` and `after` are the process's own memory in KiB, `code` what the update brought.
    """

    program: str
    chain: str
    old: int
    new: int
    title: str
    changed: int
    asked: int = 0
    written: int = 0
    reason: str = ""
    unproved: tuple[int, ...] = ()
    pause: float = 0.0
    requests: int = 0
    faults: int = 0
    before: int = 0
    after: int = 0
    code: int = 0

    @property
    def grown(self) -> float:
        """By which share of what it was the memory grew, new code aside."""
        return (self.after - self.before - self.code) / self.before if self.before else 0.0


@dataclass(frozen=True, slots=True)
class Made:
    """A bundle, or the reason why there is none."""

    path: Path
    asked: int = 0
    written: int = 0
    reason: str = ""


def main(arguments: Sequence[str]) -> int:
    """Walk the chains that are named, or all; the exit code is 0 only if nothing was lost and every step applied."""
    rows: list[Row] = []
    short = arguments[:1] == ["--short"]
    for name in names() if short else arguments[:1] or names():
        recipe = load_recipe(name)
        wanted = (SHORT,) if short else tuple(arguments[1:])
        chains = [each for each in recipe.chains if each.name in wanted or (not wanted and each.name != SHORT)]
        if not chains:
            continue
        try:
            versions = versions_of(recipe)
            for chain in chains:
                rows += walk(versions, chain)
        except Unavailable as problem:
            print(f"{name}: left out, because {problem}", flush=True)
    if not short:
        keep(rows)
    return 0 if all(not (row.reason or row.faults or row.unproved) for row in rows) else 1


def keep(rows: Sequence[Row]) -> None:
    """Write rows to the results, in place of those of the same chains."""
    path, own = RESULTS / "real.json", {(row.program, row.chain) for row in rows}
    present = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    others = [each for each in present if (each["program"], each["chain"]) not in own]
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps([*others, *map(asdict, rows)], indent=1) + "\n", encoding="utf-8")


def walk(versions: Versions, chain: Chain) -> list[Row]:
    """Carry out one chain and return its rows, which are printed as they come."""
    recipe, first = versions.recipe, chain.versions[0]
    print(f"\n{recipe.name} {chain.name}: from {versions.title(first)}", flush=True)
    print(
        f"{'step':<50}{'changed':>8}{'asked':>6}{'written':>8}{'pause ms':>9}{'requests':>10}{'faults':>7}", flush=True
    )
    for version in chain.versions:
        versions.build(version)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # before anything runs that is measured
        pairs = list(pairwise(chain.versions))
        bundles = list(zip(pairs, pool.map(lambda pair: make_bundle(versions, *pair), pairs), strict=True))
    rows: list[Row] = []
    while len(rows) < len(bundles):
        pair, made = bundles[len(rows)]
        if made.reason:
            rows.append(row_of(versions, chain, pair, made))
            show(rows[-1])
        else:
            rows += serve(versions, chain, list(takewhile(lambda step: not step[1].reason, bundles[len(rows) :])))
    return rows


def serve(versions: Versions, chain: Chain, steps: Sequence[tuple[tuple[int, int], Made]]) -> list[Row]:
    """Bring one process that serves through the steps, up to one that it refuses; return the rows."""
    recipe, ((first, _), _) = versions.recipe, steps[0]
    rows: list[Row] = []
    with running(versions, first) as place, loads(recipe, place) as load:
        exercise(recipe, place)
        load.wait_for_more(BETWEEN)
        settle(place)
        for pair, made in steps:
            seen, requests = faults(load), int(load.seen["requests"])
            row = step(row_of(versions, chain, pair, made), versions, place, made)
            settled = place.memory()
            exercise(recipe, place)
            load.wait_for_more(BETWEEN)
            runs = pair[0] if row.reason else pair[1]
            row = replace(row, unproved=unproved(recipe, place, runs), after=min(settled, place.memory()))
            row = replace(row, requests=int(load.seen["requests"]) - requests, faults=faults(load) - seen)
            rows.append(row)
            show(row)
            if row.reason:
                break
        whole = load.finish()
        lost = sum(int(whole[name]) for name in MEANT_TO_BE_ZERO)
        print(f"{whole['requests']:,} requests, longest silence {whole['silence_ms']} ms, lost or wrong: {lost}")
    return rows


def row_of(versions: Versions, chain: Chain, pair: tuple[int, int], made: Made) -> Row:
    """Return what is known of a step before it is taken."""
    old, new = pair
    row = Row(versions.recipe.name, chain.name, old, new, versions.title(new), versions.changed_lines(old, new))
    return replace(row, asked=made.asked, written=made.written, reason=made.reason)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process runs: its directory, its port, and its number."""

    folder: Path
    tree: Path
    port: int
    pid: int = 0

    def words(self, command: str) -> list[str]:
        """Return the words of a command of a recipe."""
        return shlex.split(self.filled(command))

    def filled(self, text: str) -> str:
        """Return a text of a recipe with what its placeholders stand for."""
        values = {"tree": self.tree, "place": self.folder, "port": self.port, "corpora": CORPORA}
        return re.sub(r"\{(tree|place|port|corpora)\}", lambda match: str(values[match[1]]), text)

    def memory(self) -> int:
        """Return the resident memory of the process and its children, in KiB; a child that has ended has none."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        found = [status(self.pid, "VmRSS")]
        for child in children:
            with suppress(OSError, AssertionError):
                found.append(status(int(child), "VmRSS"))
        return sum(found)


def settle(place: Place) -> None:
    """Wait until the load has stored what it stores: the memory grows by less than a hundredth in a second."""
    before, now, end = 0, place.memory(), time.monotonic() + SETTLED
    while now > before * 1.01 and time.monotonic() < end:
        time.sleep(1)
        before, now = now, place.memory()


@contextmanager
def running(versions: Versions, first: int, *, preloaded: bool = True) -> Iterator[Place]:
    """Start a version as its users do, under `patchkit run` where it is to hold the runtime."""
    recipe = versions.recipe
    with tempfile.TemporaryDirectory(prefix="real-") as folder, ExitStack() as stack:
        with socket.create_server(("127.0.0.1", 0)) as free:
            place = Place(Path(folder), versions.build(first), free.getsockname()[1])
        for name, text in recipe.files.items():
            (place.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (place.folder / name).write_text(place.filled(text), encoding="utf-8")
        log = stack.enter_context((place.folder / "log").open("wb"))
        command = [*([*PATCHKIT, "run", "--"] if preloaded else []), *place.words(recipe.start)]
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        stack.callback(_end, process)
        wait_for(lambda: process.poll() is not None or _is_ready(recipe, place), f"{recipe.name} to serve")
        if process.poll() is not None:
            raise Unavailable(f"it does not start: {(place.folder / 'log').read_text(errors='replace')[-500:]}")
        yield replace(place, pid=process.pid)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Let a program end as it does when it is told to, its children with it; or kill it."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _is_ready(recipe: Recipe, place: Place) -> bool:
    if recipe.ready != "port":
        return Path(*place.words(recipe.ready)).exists()
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", place.port)) == 0


@contextmanager
def loads(recipe: Recipe, place: Place) -> Iterator[Load]:
    """Run the client that checks every answer, and the load tool beside it."""
    for command in filter(None, (recipe.load, *recipe.exercise)):
        if shutil.which(place.words(command)[0]) is None:
            raise Unavailable(f"{place.words(command)[0]} is not installed")
    with ExitStack() as stack:
        if recipe.load:
            tool = subprocess.Popen(
                place.words(recipe.load),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # a shell's own children end with it
            )
            stack.callback(tool.wait)
            stack.callback(os.killpg, tool.pid, signal.SIGKILL)
        client, *arguments = place.words(recipe.client)
        yield stack.enter_context(loading(Path(client), *arguments))


def faults(load: Load) -> int:
    """Return how many answers were wrong, lost or failed so far."""
    return sum(int(load.seen.get(name, 0)) for name in MEANT_TO_BE_ZERO)


def exercise(recipe: Recipe, place: Place) -> None:
    """Do between updates what a recipe says; each command has to succeed."""
    for command in recipe.exercise:
        done = subprocess.run(place.words(command), check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{command}: {done.stdout}{done.stderr}")


def unproved(recipe: Recipe, place: Place, runs: int) -> tuple[int, ...]:
    """Return the versions up to the one that runs whose fixes are not in force."""
    commands = [(version, place.words(command)) for version, command in recipe.proofs.items() if version <= runs]
    return tuple(
        version for version, command in commands if subprocess.run(command, check=False, capture_output=True).returncode
    )


def step(row: Row, versions: Versions, place: Place, made: Made) -> Row:
    """Bring the process from one version to another by a bundle, or say why that is not possible."""
    row = replace(row, before=place.memory())
    together = ("--tree",) if versions.recipe.tree else ()
    done = run_patchkit("apply", *together, str(place.pid), str(made.path), cwd=versions.folder)
    found = re.findall(r"([\d.]+) ms pause", done.stdout)
    if done.returncode != 0 or not found:
        return replace(row, reason=_reason(done.stderr or done.stdout))
    return replace(row, pause=max(map(float, found)), code=len(found) * made.path.stat().st_size // 1024)


def make_bundle(versions: Versions, old: int, new: int) -> Made:
    """Author the update from one version to another, as far as it has to be, and make its bundle."""
    recipe, folder = versions.recipe, versions.folder
    update, kept = folder / "updates" / f"{old:02d}--{new:02d}", recipe.updates(old, new)
    path = folder / f"{old:02d}--{new:02d}.pkb"
    versions.build(old)
    versions.build(new)
    names_of = (versions.tree(old).name, versions.tree(new).name)
    if kept.exists():
        shutil.copytree(kept, update, dirs_exist_ok=True)
    program = ("--program", recipe.program)
    begun = run_patchkit("new", *names_of, *program, "-o", str(update), cwd=folder)
    plan = run_patchkit("plan", str(update), *program, "--json", cwd=folder)
    if begun.returncode not in (0, 1) or plan.returncode not in (0, 1):
        return Made(path, reason=_reason(begun.stderr or plan.stderr))
    data = json.loads(plan.stdout)
    asked = sum(item["by"] != "patchkit" for item in data["items"])
    found = Made(path, asked, data["lines"])
    if data["open"]:
        return replace(found, reason=_open(data))
    done = run_patchkit("bundle", *names_of, *program, "--update", str(update), "-o", str(path), cwd=folder)
    return found if done.returncode == 0 else replace(found, reason=_reason(done.stderr or done.stdout))


def _open(plan: dict[str, Any]) -> str:
    """What is open, by the question that matters most: where the objects are that have to change."""
    asked = [item for item in plan["items"] if item["state"] != "decided"]
    first = next((item for item in asked if item["key"].startswith("allocator ")), asked[0])
    return f"{first['question'].partition(';')[0]} (open questions: {plan['open']})"


def run_patchkit(*words: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run a patchkit command, whatever becomes of it."""
    return subprocess.run([*PATCHKIT, *words], cwd=cwd, check=False, capture_output=True, encoding="utf-8")


def _reason(text: str) -> str:
    """The first line that says why something was refused."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error: ")] or lines[1:2] or lines
    return errors[0].removeprefix("error: ") if errors else "no word"


def show(row: Row) -> None:
    """Print a row."""
    print(
        f"{row.title[:49]:<50}{row.changed:>8}{row.asked:>6}{row.written:>8}{row.pause:>9.1f}{row.requests:>10,}"
        f"{row.faults:>7}"
        + (f"\n  not applied: {row.reason}" if row.reason else "")
        + (f"\n  not in force: the fix of version {row.unproved}" if row.unproved else ""),
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
