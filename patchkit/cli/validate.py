"""`patchkit validate`: check an update before it goes near a process."""

import os
from pathlib import Path

import click

from patchkit.authoring import LEVELS, author, check
from patchkit.cli.authored import find_update
from patchkit.cli.options import build_option, jobs_option, program_option
from patchkit.cli.surroundings import surroundings
from patchkit.errors import ExitCode
from patchkit.workspace import Reading


@click.command("validate")
@click.argument("update", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--level", type=click.Choice([str(level) for level in LEVELS]), help="This check alone.")
@build_option
@program_option
@jobs_option
def command(update: Path | None, level: str | None, build: str | None, program: str | None, jobs: int | None) -> int:
    """Check the update in the directory UPDATE, from cheap to dear.

    \b
    1  its C compiles without a warning against the layouts of both versions
    2  nothing in it is open or stale

    What is dearer happens at the process: `patchkit rehearse PID BUNDLE` carries the update out on a copy of it.
    Exit code: 0 if nothing was found, else 1.
    """
    levels = tuple(LEVELS) if level is None else (int(level),)
    with surroundings(jobs) as around:
        authored = author(find_update(update), around, Reading(build, program))
        findings = check(authored, levels, around)
    for number in levels:
        own = [finding for finding in findings if finding.level == number]
        print(f"{number}  {LEVELS[number]}: {f'{len(own)} found' if own else 'yes'}")
        for finding in own:
            place = f"{os.path.relpath(finding.file)}:{finding.line}: " if finding.line else ""
            print(f"   {finding.rule} {place}{finding.text}\n     {finding.hint}")
    return ExitCode.FINDINGS if findings else ExitCode.CLEAN
