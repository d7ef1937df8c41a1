"""`patchkit squash`: make one update of a chain of updates, and compare both."""

from pathlib import Path

import click

from patchkit.authoring import Way
from patchkit.chains import Squashed, find_path, squash, steps_below
from patchkit.cli.authored import headline, print_finding, print_plan, updates_option
from patchkit.cli.options import build_option, jobs_option, program_option
from patchkit.cli.surroundings import surroundings
from patchkit.errors import ExitCode
from patchkit.model.words import counted
from patchkit.workspace import Reading

_WAYS = {Way.UP: "there", Way.DOWN: "back"}


@click.command("squash")
@click.argument("old")
@click.argument("new")
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="The directory of the update.")
@updates_option
@build_option
@program_option
@jobs_option
def command(
    old: str,
    new: str,
    output: Path | None,
    updates: Path,
    build: str | None,
    program: str | None,
    jobs: int | None,
) -> int:
    """Make one update from version OLD to version NEW out of the chain of updates that leads there.

    What was decided and written for each update of the chain goes into it; what two of them convert by hand is left to
    write. Then sample objects go both ways, and what arrives is compared. Run it again after a correction: what people
    decided and wrote in the new update stays.

    Exit code: 0 if the update is complete and gives what the chain gives, else 1.
    """
    folder = output or updates / f"{Path(old).name}--{Path(new).name}"
    steps = [step for step in steps_below(updates) if step.folder.resolve() != folder.resolve()]
    chain = find_path(steps, old, new)
    for step in chain:
        print(f"{step.old} -> {step.new}  {step.folder}")
    with surroundings(jobs) as around:
        done = squash(chain, folder, around, Reading(build, program))
    print_plan(done.authored, all_items=False)
    print(headline(done.authored))
    _print_comparison(done)
    return ExitCode.CLEAN if done.equal else ExitCode.FINDINGS


def _print_comparison(done: Squashed) -> None:
    for text in done.unlike:
        print(f"PKM705 {text}")
    for way, outcome in done.compared.items():
        neither = f"; on neither: {outcome.dropped}" if outcome.dropped else ""
        how = "but not all as the same" if outcome.findings else "and are alike"
        print(f"{_WAYS[way]}: {counted(outcome.compared, 'sample')} arrive on both ways {how}{neither}")
        for finding in outcome.findings:
            print_finding(finding)
    if not done.compared:
        print("nothing was compared: answer what is open, and squash again")
