"""`patchkit sample`: take objects of a process or a core file as samples that an update is validated with."""

import sys
from pathlib import Path

import click

from patchkit.cli.authored import find_update
from patchkit.cli.options import build_option, jobs_option, program_option
from patchkit.cli.surroundings import surroundings
from patchkit.errors import ExitCode
from patchkit.trials import sample
from patchkit.workspace import Reading


@click.command("sample")
@click.argument("where", metavar="PID|CORE")
@click.argument("kind", metavar="TYPE")
@click.option("-u", "--update", type=click.Path(file_okay=False, path_type=Path), help="The update that it is for.")
@click.option("-n", "--most", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many objects.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The file to write.")
@build_option
@program_option
@jobs_option
def command(
    where: str,
    kind: str,
    update: Path | None,
    most: int,
    output: Path | None,
    build: str | None,
    program: str | None,
    jobs: int | None,
) -> int:
    """Write objects of TYPE from the memory of a process, or from a core file, as a file of samples.

    They are found as the update would find them, by its decisions. The process is read while it goes on, and nothing
    of it is changed.

    \b
    Example:
      patchkit sample 4711 "struct item" -o updates/1.0--1.1/samples/live.json
    Exit code: 0 if objects were found, else 1.
    """
    with surroundings(jobs) as around:
        found = sample(where, kind, find_update(update), around, Reading(build, program), most)
    if not found.found:
        print(f"no {kind} was found from the variables; {found.looked:,} objects were looked at", file=sys.stderr)
        return ExitCode.FINDINGS
    if output is None:
        sys.stdout.write(found.text)
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(found.text, encoding="utf-8")
        print(f"{output}: {found.found} of {kind}; {found.looked:,} objects were looked at")
    return ExitCode.CLEAN
