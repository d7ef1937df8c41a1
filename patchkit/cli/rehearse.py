"""`patchkit rehearse`: carry an update out on a copy of a process."""

import click

from patchkit.cli.asking import ask_all, group_options, pid_and_bundle, timeout_option
from patchkit.processes import Act, Wish, opened_bundle


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="[PID] BUNDLE")
@timeout_option
@group_options
def command(
    words: tuple[str, ...],
    timeout: float,
    name: str | None,
    tree: bool,
    keep_going: bool,
) -> int:
    """Carry the update in BUNDLE out on a forked copy of a process, which itself stays as it is."""
    pid, bundle = pid_and_bundle(words)
    with opened_bundle(bundle) as (descriptor, _):
        wish = Wish(timeout)
        return ask_all(Act.REHEARSE, pid, name, descriptor, wish, tree=tree, keep_going=keep_going)
