"""What the commands that change a process share: the processes meant, the phases, the outcome in a sentence."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from patchkit.cli.main import report_error
from patchkit.cli.progress import StatusLine
from patchkit.errors import ExitCode, InputError
from patchkit.processes import Act, LiveError, Outcome, Phase, Process, Wish, ended_of_itself, perform, targets

_SAID = {
    "applied": "updated to {new} from {old}: {functions} functions switched, {pause:.1f} ms pause",
    "already": "is at {new} already; nothing was changed",
    "rehearsed": "would take the update: it was carried out on a copy; {pause:.1f} ms pause for the copy",
    "reverted": "went back to {new} from {old}: {pause:.1f} ms pause",
    "confirmed": "stays at {new}",
}

_group = (
    click.option("--tree", is_flag=True, help="Also its descendants that run the same program, parents first."),
    click.option("--all", "name", metavar="NAME", help="Every process whose executable has this file name."),
    click.option("--keep-going", is_flag=True, help="Go on to the next process where one refuses."),
)
timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(min=0.001),
    default=10.0,
    metavar="SECONDS",
    help="How long its threads may take to come to a good place; default: 10.",
)


def group_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that make a command one for several processes."""
    for option in reversed(_group):
        command = option(command)
    return command


def pid_and_bundle(words: tuple[str, ...]) -> tuple[int | None, Path]:
    """Return what `PID BUNDLE`, or with --all just `BUNDLE`, means. Raises InputError for anything else."""
    *pids, bundle = words
    if len(pids) > 1 or not all(pid.isdigit() for pid in pids):
        raise InputError(f"`{' '.join(words)}` is not a process and a bundle", hint="write: PID BUNDLE")
    return (int(pids[0]) if pids else None), Path(bundle)


def ask_all(
    act: Act, pid: int | None, name: str | None, bundle: int | None, wish: Wish, *, tree: bool, keep_going: bool
) -> int:
    """Ask every process that is meant, and return the worst exit code.

    Of many, some may end meanwhile, as a server's sessions do: that is told, and no failure.
    """
    if (pid is None) == (name is None):
        raise InputError("name one process by its PID, or several by --all NAME")
    worst = int(ExitCode.CLEAN)
    first: Outcome | None = None
    for process in targets(pid, name, tree=tree):
        heard: list[Phase] = []
        try:
            with StatusLine(patience=0) as line:
                outcome = perform(act, process, bundle, wish, _telling(process, line, heard), first)
        except (InputError, LiveError) as problem:
            if process.pid != pid and ended_of_itself(process, problem, heard):
                print(f"{process.named} ended of itself while it was asked", file=sys.stderr)
                continue
            _report(problem)
            worst = max(worst, problem.exit_code)
            if not keep_going:
                break
            continue
        first = first or outcome
        print(f"{process.named} {_sentence(outcome)}")
        for function in outcome.staying:
            print(f"  {function} goes on in its old code, and in what is inlined there, until it returns (PKC401)")
    return worst


def _report(problem: InputError | LiveError) -> None:
    """Print why a process was not changed, and the stack of every thread that stood against it."""
    report_error(problem)
    for holdup in problem.holdups if isinstance(problem, LiveError) else ():
        where = f" in {holdup.where}" if holdup.where else ""
        print(f"  thread {holdup.tid} ({holdup.comm}){where}: {holdup.reason}", file=sys.stderr)
        for frame in holdup.frames:
            print(f"    {frame}", file=sys.stderr)


def _telling(process: Process, line: StatusLine, heard: list[Phase]) -> Callable[[Phase], None]:
    """Return what tells each phase, on a terminal in the one line that is wiped at the end, and adds it to `heard`."""

    def tell(phase: Phase) -> None:
        heard.append(phase)
        text = f"{phase.name} {phase.microseconds / 1000:.1f} ms"
        if line.shown:
            line(f"{process.named}: {text}", 0, 0)
        else:
            print(text, file=sys.stderr)

    return tell


def _sentence(outcome: Outcome) -> str:
    return _SAID[outcome.result].format(
        new=outcome.after[:12], old=outcome.before[:12], functions=outcome.functions, pause=outcome.pause / 1000
    )
