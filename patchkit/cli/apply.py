"""`patchkit apply`: bring a process to the next version's code."""

import click

from patchkit.cli.asking import ask_all, group_options, pid_and_bundle, timeout_option
from patchkit.processes import Act, Wish, opened_bundle


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="[PID] BUNDLE")
@click.option("--no-rehearsal", is_flag=True, help="Do not try it on a copy first.")
@click.option(
    "--probation",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="How long the runtime waits for `patchkit confirm` before the update counts as accepted; default: 0.",
)
@timeout_option
@group_options
def command(
    words: tuple[str, ...],
    no_rehearsal: bool,
    probation: float,
    timeout: float,
    name: str | None,
    tree: bool,
    keep_going: bool,
) -> int:
    """Bring a running process to the version in BUNDLE.

    First the whole update is carried out on a forked copy; then all threads stand still for a moment and the code is
    switched. On any failure the process goes on as before. A second time is success and changes nothing.

    \b
    Exit codes:
      0   the process runs the new version
      1   the process refused, and goes on as before
      2   the process or bundle cannot be used
    """
    pid, bundle = pid_and_bundle(words)
    with opened_bundle(bundle) as (descriptor, _):
        wish = Wish(timeout, rehearse=not no_rehearsal, probation=probation)
        return ask_all(Act.APPLY, pid, name, descriptor, wish, tree=tree, keep_going=keep_going)
