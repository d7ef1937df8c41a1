"""`patchkit record`: run any build and write down how each source was compiled."""

import sys
from pathlib import Path

import click

from patchkit.cli.surroundings import surroundings
from patchkit.errors import ExitCode
from patchkit.model.words import counted
from patchkit.workspace import record


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    help="The directory of the version that is built; default: this one.",
)
@click.argument("build", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
def command(root: Path, build: tuple[str, ...]) -> int:
    """Run a build and write down how each source was compiled.

    The build runs as always; what was recorded is kept in ROOT/.patchkit, where the other commands find it. Record
    every build of a tree: what a build does not compile again keeps its earlier record.

    \b
    Example:
      patchkit record -- make -j2
    """
    with surroundings() as around:
        recording = record(build, root.absolute(), around)
    unread = [unit for unit in recording.units if unit.problem]
    programs = ", ".join(sorted(Path(program.output).name for program in recording.programs))
    said = f"recorded {counted(len(recording.units), 'source')} and {counted(len(recording.programs), 'program')}"
    print(said + (f": {programs}" if programs else ""), file=sys.stderr)
    for unit in unread:
        print(f"warning: {unit.command.source}: {unit.problem}", file=sys.stderr)
    return ExitCode.CLEAN
