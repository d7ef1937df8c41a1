"""`patchkit decide`: answer what an update asks."""

from pathlib import Path

import click

from patchkit.authoring import accept_proposals, decide
from patchkit.cli.authored import find_update, headline
from patchkit.cli.options import build_option, jobs_option, program_option
from patchkit.cli.surroundings import surroundings
from patchkit.errors import ExitCode
from patchkit.workspace import Reading


@click.command("decide")
@click.argument("key", required=False)
@click.argument("value", required=False)
@click.option("--reason", required=True, help="Why; it is kept beside the answer.")
@click.option("--proposed", is_flag=True, help="Answer every open question with what is proposed for it.")
@click.option("-u", "--update", type=click.Path(file_okay=False, path_type=Path), help="The update's directory.")
@build_option
@program_option
@jobs_option
def command(
    key: str | None,
    value: str | None,
    reason: str,
    proposed: bool,
    update: Path | None,
    build: str | None,
    program: str | None,
    jobs: int | None,
) -> int:
    """Answer the question KEY of an update with VALUE, as `patchkit plan` shows both.

    \b
    patchkit decide "initial struct client.requests" 0 --reason "counted from now on"
    """
    if proposed == (key is not None) or (key is None) != (value is None):
        raise click.UsageError("name a KEY and a VALUE, or give --proposed")
    folder, reading = find_update(update), Reading(build, program)
    with surroundings(jobs) as around:
        if key is not None and value is not None:
            authored = decide(folder, key, value, reason, around, reading)
        else:
            authored, accepted = accept_proposals(folder, reason, around, reading)
            for item in accepted:
                print(f"{item.key} = {item.proposal}")
    print(headline(authored))
    return ExitCode.CLEAN
