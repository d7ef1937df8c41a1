"""`patchkit revert`: take the last update of a process back."""

import click

from patchkit.cli.asking import ask_all, group_options, timeout_option
from patchkit.processes import Act, Wish


@click.command()
@click.argument("pid", type=int, required=False)
@timeout_option
@click.option("--no-rehearsal", is_flag=True, help="Do not convert state back on a copy of the process first.")
@group_options
def command(
    pid: int | None,
    timeout: float,
    no_rehearsal: bool,
    name: str | None,
    tree: bool,
    keep_going: bool,
) -> int:
    """Take the last update of a process back: it runs the code of the version before again.

    Where the update converted live state, that is converted back, if the bundle has what does it (see `patchkit plan`).
    """
    wish = Wish(timeout, rehearse=not no_rehearsal)
    return ask_all(Act.REVERT, pid, name, None, wish, tree=tree, keep_going=keep_going)
