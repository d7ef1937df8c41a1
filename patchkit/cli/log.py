"""`patchkit log`: what the runtime of a process did."""

import os

import click

from patchkit.errors import ExitCode
from patchkit.processes import events


@click.command()
@click.argument("pid", type=int)
def command(pid: int) -> int:
    """Show what the runtime of a process did; also after the process has ended.

    Times are seconds since the first event that is kept.
    """
    found = events(pid, os.environ)
    start = found[0][0] if found else 0
    for at, text in found:
        print(f"{(at - start) / 1e9:12.6f}  {text}")
    return ExitCode.CLEAN
