"""Writes the man pages: `python -m patchkit.cli.manual FOLDER`, from the commands' own help; wants the extra `dev`."""

import sys
from pathlib import Path

import click
from click_man.core import write_man_pages

from patchkit import __version__
from patchkit.cli.root import SUMMARIES, root


def write_manual(folder: Path) -> None:
    """Write a page for `patchkit` and for each of its commands into `folder`, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    context = click.Context(root)
    for name, summary in SUMMARIES.items():
        command = root.get_command(context, name)
        assert command is not None
        command.short_help = summary
        root.add_command(command, name)
    write_man_pages("patchkit", root, version=__version__, target_dir=str(folder))


if __name__ == "__main__":
    write_manual(Path(sys.argv[1]))
