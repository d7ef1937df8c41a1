"""`patchkit new`: begin an update, or bring one up to date with its sources."""

from pathlib import Path

import click

from patchkit.authoring import begin
from patchkit.cli.authored import UPDATES, headline, print_plan
from patchkit.cli.options import build_option, jobs_option, program_option
from patchkit.cli.surroundings import surroundings
from patchkit.errors import ExitCode
from patchkit.workspace import Reading


@click.command("new")
@click.argument("old")
@click.argument("new")
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="Its directory.")
@build_option
@program_option
@jobs_option
def command(old: str, new: str, output: Path | None, build: str | None, program: str | None, jobs: int | None) -> int:
    """Begin the update from OLD to NEW: a directory that belongs in version control beside the program's source.

    It holds update.toml (what was decided, and why), transform.c (what a programmer writes) and generated/ (the types
    of both versions and the C that carries live state over). An update that exists is brought up to date: what was
    decided and written stays.

    Exit code: 0 if nothing is open, else 1.
    """
    folder = output or Path(UPDATES) / f"{Path(old).name}--{Path(new).name}"
    with surroundings(jobs) as around:
        authored = begin(old, new, folder, around, Reading(build, program))
    print_plan(authored, all_items=False)
    print(headline(authored))
    return ExitCode.FINDINGS if authored.plan.open else ExitCode.CLEAN
