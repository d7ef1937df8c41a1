"""`patchkit run`: start a program so that it can be updated while it runs."""

import os
import shutil

import click

from patchkit.errors import InputError
from patchkit.processes import environment_with_runtime


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
def command(words: tuple[str, ...]) -> int:
    """Start a program with patchkit's runtime in it, in this process's place.

    The program is the ordinary one and runs as always; `patchkit apply PID BUNDLE` can update it from then on.

    \b
    Example:
      patchkit run -- ./server --port 7000
    """
    program = shutil.which(words[0])
    if program is None:
        raise InputError(f"{words[0]} is no program that can be run", hint="name an executable file")
    try:
        os.execve(program, words, environment_with_runtime(os.environ))
    except OSError as problem:
        raise InputError(f"{program} cannot be run: {problem.strerror}") from problem
