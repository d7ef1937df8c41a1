"""`patchkit read`: read one version and save it as a model."""

import sys
from pathlib import Path

import click

from patchkit.cli.options import build_option, jobs_option, program_option
from patchkit.cli.surroundings import surroundings
from patchkit.errors import ExitCode
from patchkit.model.words import counted
from patchkit.workspace import Reading, read_version, save_version


@click.command()
@click.argument("version")
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Where the model is written."
)
@build_option
@program_option
@jobs_option
def command(version: str, output: Path, build: str | None, program: str | None, jobs: int | None) -> int:
    """Read one version and save it as a model, which stands for that version wherever one is named.

    VERSION is a directory, a git revision, an ELF file or a compile_commands.json, as for `patchkit diff`.
    """
    with surroundings(jobs) as around:
        model = read_version(version, around, Reading(build, program))
        save_version(model, output)
    parts = (
        counted(len(model.units), "unit"),
        counted(len(model.records), "struct or union", "structs and unions"),
        counted(len(model.variables), "variable"),
        counted(len(model.functions), "function"),
    )
    print(f"read {', '.join(parts)} into {output}", file=sys.stderr)
    for gap in model.gaps:
        print(f"incomplete: {gap.coord}: {gap.reason}" + (f" ({gap.hint})" if gap.hint else ""), file=sys.stderr)
    return ExitCode.INCOMPLETE if model.gaps else ExitCode.CLEAN
