"""The `patchkit` command itself: its options and the table of its commands, each imported only when it is asked for."""

import difflib
import importlib

import click

from patchkit import __version__

SUMMARIES = {
    "diff": "Compare two versions of a program and say what each change asks of a live update.",
    "record": "Run a build and write down how each source was compiled.",
    "cc": "Compile as cc does and write down how; for builds that take CC.",
    "read": "Read one version and save it as a model.",
    "new": "Begin an update, or bring it up to date: what becomes of live state.",
    "plan": "Show what of an update is decided, asked, to be written.",
    "decide": "Answer a question of an update.",
    "validate": "Check an update before it goes near a process.",
    "path": "Find the updates that lead from one version to another.",
    "squash": "Make one update of a chain of updates, and compare both.",
    "sample": "Take objects of a process or a core file as samples to validate with.",
    "edit": "Open the conversion of a type in an editor.",
    "bundle": "Make the file that takes a running process to its new version, or look into one.",
    "run": "Start a program so that it can be updated while it runs.",
    "attach": "Bring the runtime into a process that was started without it.",
    "ps": "List the processes that can be updated.",
    "status": "Show the version that a process runs.",
    "rehearse": "Carry an update out on a copy of a process.",
    "apply": "Bring a running process to the version in a bundle.",
    "revert": "Take the last update of a process back.",
    "confirm": "Accept the last update of a process before its probation ends.",
    "log": "Show what the runtime of a process did.",
    "runtime": "Print what a build needs to link a program with the runtime.",
    "explain": "Explain a rule or a kind of change.",
}


class LazyGroup(click.Group):
    """A group whose commands are modules of this package, named alike, with the command in `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which help shows them."""
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name, importing its module."""
        if cmd_name not in SUMMARIES:
            return None
        if cmd_name == "cc":  # main() takes it before click does, this is what completion sees
            return click.Command("cc", help=SUMMARIES["cc"])
        command = importlib.import_module(f"patchkit.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table, so that help imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that `args` begin with; one that does not exist gets a suggestion."""
        name = args[0]
        if name not in SUMMARIES and not name.startswith("-"):
            close = difflib.get_close_matches(name, SUMMARIES, n=1)
            raise click.UsageError(f"no command `{name}`" + (f"; did you mean `{close[0]}`?" if close else ""), ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 clean, 1 findings, 2 wrong use or input, 3 read only in part, 70 internal error.",
)
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
def root() -> None:
    """Dynamic software updating of C programs.

    What changed between two versions of a program, and what that asks of a process that is running the old one.
    """
