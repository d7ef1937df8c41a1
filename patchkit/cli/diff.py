"""`patchkit diff`: what changed between two versions, and what that asks of a live update."""

import os
import sys
from pathlib import Path

import click

from patchkit.cli.options import build_option, jobs_option, program_option
from patchkit.cli.output import wants_colour, write_result
from patchkit.cli.surroundings import surroundings
from patchkit.errors import ExitCode
from patchkit.model.change import Comparison, Subject, Verdict
from patchkit.model.words import VERDICTS, counted
from patchkit.workspace import Format, Options, Reading, compare, print_comparison, render_comparison

SUBJECTS = {
    "types": Subject.TYPE,
    "variables": Subject.VARIABLE,
    "functions": Subject.FUNCTION,
    "macros": Subject.MACRO,
    "build": Subject.BUILD,
}
VERDICTS_BY_NAME = {word: verdict for verdict, word in VERDICTS.items()}

FORMS = """\b
OLD and NEW are each one of:
  a directory                with a recorded build, a compile_commands.json, or neither
  a git revision             v1.2, HEAD~3, main; :index; :worktree
  an ELF file                with debug information
  a saved model              written by `patchkit read`
  a compile_commands.json
"""
EXITS = """\b
Exit codes:
  0   compared (whatever was found, unless --exit-code or --fail-on asks otherwise)
  1   a change is as bad as --fail-on or --exit-code says
  2   a version cannot be found, built or read
  3   a version could be read only in part
"""


@click.command(help=f"Compare two versions of a program.\n\n{FORMS}\n\n{EXITS}")
@click.argument("old")
@click.argument("new")
@build_option
@program_option
@click.option(
    "--format",
    "style",
    type=click.Choice([style.value for style in Format]),
    default="text",
    help="Form of the report.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the report to a file.")
@click.option("--stat", is_flag=True, help="Count changes instead of listing them.")
@click.option("--only", multiple=True, type=click.Choice(list(SUBJECTS)), help="Look at these alone; repeatable.")
@click.option("--full", is_flag=True, help="Show everything that is folded or cut otherwise.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if a change asks more than auto.")
@click.option(
    "--fail-on",
    type=click.Choice(list(VERDICTS_BY_NAME)),
    default="none",
    help="Exit with 1 if a change asks that much; none: never.",
)
@jobs_option
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", help="Colour in text reports.")
def command(
    *,
    old: str,
    new: str,
    build: str | None,
    program: str | None,
    style: str,
    output: Path | None,
    stat: bool,
    only: tuple[str, ...],
    full: bool,
    exit_code: bool,
    fail_on: str,
    jobs: int | None,
    color: str,
) -> int:
    """Run the command; its help says what each option does."""
    with surroundings(jobs) as around:
        comparison = compare(old, new, around, Reading(build, program))
    subjects = frozenset(SUBJECTS[name] for name in only)
    _show(comparison, Format(style), output, Options(stat, subjects, full), color)
    for side in (comparison.old, comparison.new):
        if side.gaps:
            print(f"incomplete: of {side.label} {counted(len(side.gaps), 'part')} could not be read", file=sys.stderr)
    limit = VERDICTS_BY_NAME[fail_on] or (Verdict.AUTO_CHECK if exit_code else Verdict.NONE)
    return _judge(comparison, subjects, limit)


def _show(comparison: Comparison, style: Format, output: Path | None, options: Options, color: str) -> None:
    coloured = wants_colour(color, os.environ)
    if style is not Format.TEXT or output is not None or not (coloured or sys.stdout.isatty()):
        write_result(render_comparison(comparison, style, options), output)
        return
    from rich.console import Console

    print_comparison(comparison, Console(force_terminal=True, no_color=not coloured, highlight=False), options)


def _judge(comparison: Comparison, subjects: frozenset[Subject], limit: Verdict) -> ExitCode:
    """Judge what was looked at; `limit` NONE lets all pass, but never what was read only in part."""
    if not comparison.complete:
        return ExitCode.INCOMPLETE
    looked_at = [change.verdict for change in comparison.changes if not subjects or change.subject in subjects]
    return ExitCode.FINDINGS if limit and max(looked_at, default=Verdict.NONE) >= limit else ExitCode.CLEAN
