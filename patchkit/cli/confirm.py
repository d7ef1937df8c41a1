"""`patchkit confirm`: end the probation of a process's last update."""

import click

from patchkit.cli.asking import ask_all, group_options
from patchkit.processes import Act, Wish


@click.command()
@click.argument("pid", type=int, required=False)
@group_options
def command(
    pid: int | None,
    name: str | None,
    tree: bool,
    keep_going: bool,
) -> int:
    """End the probation of the last update: it is accepted."""
    return ask_all(Act.CONFIRM, pid, name, None, Wish(), tree=tree, keep_going=keep_going)
