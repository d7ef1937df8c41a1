"""`patchkit explain`: the page of a rule or a kind of change."""

import click

from patchkit.cli.output import write_result
from patchkit.errors import ExitCode
from patchkit.workspace import explanation


@click.command()
@click.argument("name")
def command(name: str) -> int:
    """Explain a rule or a kind of change.

    NAME is an id or a name as reports show them: PKT101, field-added, T01.
    """
    write_result(explanation(name), None)
    return ExitCode.CLEAN
