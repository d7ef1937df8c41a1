"""`patchkit plan`: how far an update is."""

from pathlib import Path

import click

from patchkit.authoring import author
from patchkit.cli.authored import find_update, headline, print_json, print_plan
from patchkit.cli.options import build_option, jobs_option, program_option
from patchkit.cli.surroundings import surroundings
from patchkit.errors import ExitCode
from patchkit.workspace import Reading


@click.command("plan")
@click.argument("update", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@build_option
@program_option
@jobs_option
def command(update: Path | None, as_json: bool, build: str | None, program: str | None, jobs: int | None) -> int:
    """Show what of the update in the directory UPDATE is decided, asked, to be written or blocked, and why.

    Without UPDATE it is the only one below updates/. Exit code: 0 if nothing is open, else 1.
    """
    with surroundings(jobs) as around:
        authored = author(find_update(update), around, Reading(build, program))
    if as_json:
        print_json(authored)
    else:
        print_plan(authored, all_items=True)
        print(headline(authored))
    return ExitCode.FINDINGS if authored.plan.open else ExitCode.CLEAN
