"""`patchkit edit`: open a conversion where it stands."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import click

from patchkit.authoring import TRANSFORM, transformer_name
from patchkit.cli.authored import find_update
from patchkit.errors import InputError


@click.command("edit")
@click.argument("key")
@click.option("-u", "--update", type=click.Path(file_okay=False, path_type=Path), help="The update's directory.")
def command(key: str, update: Path | None) -> int:
    """Open the conversion of the type KEY in $VISUAL or $EDITOR, at its line of transform.c.

    A stub is there once it was decided that a programmer converts the type:

    \b
    patchkit decide "code struct list" transform.c --reason "values go into chunks"
    """
    path = find_update(update) / TRANSFORM
    name = transformer_name(key.removeprefix("code "))
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    match = re.search(rf"^int {re.escape(name)}\s*\([^;]*\{{", text, re.M)
    if match is None:
        raise InputError(f"{path} has no {name}", hint=f'patchkit decide "code {key}" transform.c --reason ...')
    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    line = text.count("\n", 0, match.start()) + 1
    try:
        return subprocess.run([*editor, f"+{line}", str(path)], check=False).returncode
    except OSError as problem:
        raise InputError(f"the editor {editor[0]} cannot be run: {problem.strerror}", hint="set $EDITOR") from problem
