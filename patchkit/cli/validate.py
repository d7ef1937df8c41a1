"""`patchkit validate`: check an update before it goes near a process."""

from collections.abc import Sequence
from pathlib import Path

import click

from patchkit.authoring import LEVELS, Finding, author, check
from patchkit.cli.authored import find_update, print_finding
from patchkit.cli.options import build_option, jobs_option, program_option
from patchkit.cli.surroundings import surroundings
from patchkit.errors import ExitCode
from patchkit.trials import REHEARSAL, rehearsed
from patchkit.workspace import Reading


@click.command("validate")
@click.argument("update", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--level", type=click.Choice([str(level) for level in LEVELS]), help="This check alone.")
@click.option(
    "--samples",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="More samples, beside those in the update's samples/.",
)
@click.option("--pid", type=int, help="Rehearse it on a copy of this process too: level 7.")
@build_option
@program_option
@jobs_option
def command(
    update: Path | None,
    level: str | None,
    samples: tuple[Path, ...],
    pid: int | None,
    build: str | None,
    program: str | None,
    jobs: int | None,
) -> int:
    """Check the update in the directory UPDATE, from cheap to dear.

    \b
    1  its C compiles without a warning against the layouts of both versions
    2  nothing in it is open or stale
    3  every byte of every new object is written, padding aside
    4  no conversion crashes, loops or uses memory that is not its own, on
       objects at the extremes of each member
    5  the objects in samples/ become what is expected of them
    6  objects that go to the new version and come back are what they were, if
       there is a way back
    7  with --pid: all of it succeeds on a copy of that process

    Levels 3 to 6 run the conversions on sample objects under gcc's or clang's sanitizers.
    Exit code: 0 if nothing was found, else 1.
    """
    levels = tuple(LEVELS) if level is None else (int(level),)
    with surroundings(jobs) as around:
        authored = author(find_update(update), around, Reading(build, program))
        findings = check(authored, levels, around, [path.resolve() for path in samples])
        if pid is not None and not any(not finding.note for finding in findings):
            findings += rehearsed(authored, pid, around, Reading(build, program))
            levels = (*levels, REHEARSAL)
    for number in levels:
        _print(number, [finding for finding in findings if finding.level == number])
    return ExitCode.FINDINGS if any(not finding.note for finding in findings) else ExitCode.CLEAN


def _print(level: int, findings: Sequence[Finding]) -> None:
    wrong = sum(not finding.note for finding in findings)
    what = LEVELS.get(level, "it succeeds on a copy of the process")
    print(f"{level}  {what}: {f'{wrong} found' if wrong else 'yes'}")
    for finding in findings:
        print_finding(finding)
