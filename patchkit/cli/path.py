"""`patchkit path`: find the chain of updates that leads from one version to another."""

from pathlib import Path

import click

from patchkit.chains import find_path, steps_below
from patchkit.cli.authored import updates_option
from patchkit.errors import ExitCode


@click.command("path")
@click.argument("old")
@click.argument("new")
@updates_option
def command(old: str, new: str, updates: Path) -> int:
    """Show which updates, one after the other, lead from version OLD to version NEW.

    Versions are called as the updates call them. The shortest chain is shown, a line for each update: the versions that
    it leads from and to, and its directory.
    """
    for step in find_path(steps_below(updates), old, new):
        print(f"{step.old} -> {step.new}  {step.folder}")
    return ExitCode.CLEAN
