"""Options that several commands share, so that they read and behave alike."""

import click

build_option = click.option(
    "--build",
    metavar="COMMAND",
    help="Build a source version with this shell command, recording it; else patchkit.toml's.",
)
program_option = click.option(
    "--program",
    metavar="NAME",
    help="The executable or library to look at; else patchkit.toml's, else all that was built.",
)
jobs_option = click.option(
    "-j", "--jobs", type=click.IntRange(min=1), help="Processes to read with; default: one for each processor."
)
