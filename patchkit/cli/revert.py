"""`patchkit revert`: take the last update of a process back."""

import click

from patchkit.cli.asking import ask_all, group_options, timeout_option
from patchkit.processes import Act, Wish


@click.command()
@click.argument("pid", type=int, required=False)
@timeout_option
@group_options
def command(
    pid: int | None,
    timeout: float,
    name: str | None,
    tree: bool,
    keep_going: bool,
) -> int:
    """Take the last update of a process back: it runs the code of the version before again."""
    return ask_all(Act.REVERT, pid, name, None, Wish(timeout), tree=tree, keep_going=keep_going)
