"""`patchkit edit`: open a conversion where it stands."""

import os
import shlex
import subprocess
from pathlib import Path

import click

from patchkit.authoring import place_of
from patchkit.cli.authored import find_update
from patchkit.cli.options import build_option, jobs_option, program_option
from patchkit.cli.surroundings import surroundings
from patchkit.errors import InputError
from patchkit.workspace import Reading


@click.command("edit")
@click.argument("key")
@click.option("-u", "--update", type=click.Path(file_okay=False, path_type=Path), help="The update's directory.")
@build_option
@program_option
@jobs_option
def command(key: str, update: Path | None, build: str | None, program: str | None, jobs: int | None) -> int:
    """Open the conversion of the type KEY in $VISUAL or $EDITOR, at its line of transform.c.

    A type that patchkit cannot convert has a stub there. Any other gets one by a decision:

    \b
    patchkit decide "code struct list" transform.c --reason "values go into chunks"
    """
    with surroundings(jobs) as around:
        path, line = place_of(find_update(update), key, around, Reading(build, program))
    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    try:
        return subprocess.run([*editor, f"+{line}", str(path)], check=False).returncode
    except OSError as problem:
        raise InputError(f"the editor {editor[0]} cannot be run: {problem.strerror}", hint="set $EDITOR") from problem
