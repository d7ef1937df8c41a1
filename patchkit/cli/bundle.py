"""`patchkit bundle`: make the file that updates a process, and look into one."""

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from patchkit.cli.options import build_option, jobs_option, program_option
from patchkit.cli.surroundings import surroundings
from patchkit.errors import ExitCode
from patchkit.model.words import counted
from patchkit.workspace import Reading, Surroundings, bundle, inspect_bundle

if TYPE_CHECKING:
    from patchkit.transform.migration import Migration


class _Group(click.Group):
    """`patchkit bundle OLD NEW` makes one; a first word that is a subcommand's name is taken for it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        words = [word for word in args if not word.startswith("-")]
        if words and words[0] not in self.commands:
            args = ["make", *args]
        return super().parse_args(ctx, args)


@click.group("bundle", cls=_Group)
def command() -> None:
    """Make the file that takes a running process from OLD to NEW, or look into one.

    \b
    patchkit bundle OLD NEW -o app.pkb
    patchkit bundle OLD NEW --update updates/1.0--1.1 -o app.pkb
    patchkit bundle inspect app.pkb
    patchkit bundle verify app.pkb --trusted-keys allowed_signers

    OLD and NEW are directories or git revisions with a recorded build (patchkit record -- make).
    """


def _migration(update: Path, old: str, new: str, around: Surroundings, reading: Reading) -> "Migration":
    from patchkit.authoring import author, migration_of

    return migration_of(author(update, around, reading, (old, new)))


@command.command("make")
@click.argument("old")
@click.argument("new")
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The bundle's file."
)
@click.option(
    "--update",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The directory of the authored update, where live state has to be converted.",
)
@build_option
@program_option
@click.option(
    "--sign", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Sign with this private key."
)
@click.option("--sequence", type=click.IntRange(min=0), default=0, help="A process takes only higher numbers; 0: any.")
@click.option("--expires-in", type=click.IntRange(min=1), metavar="DAYS", help="No process takes it after that.")
@jobs_option
def make(
    old: str,
    new: str,
    output: Path,
    update: Path | None,
    build: str | None,
    program: str | None,
    sign: Path | None,
    sequence: int,
    expires_in: int | None,
    jobs: int | None,
) -> int:
    """Make the bundle that takes a running process from OLD to NEW."""
    expires = int(time.time()) + expires_in * 86400 if expires_in is not None else None
    with surroundings(jobs) as around:
        reading = Reading(build, program)
        migration = _migration(update, old, new, around, reading) if update is not None else None
        made = bundle(
            old, new, output, around, reading, key=sign, sequence=sequence, expires=expires, migration=migration
        )
    for note in made.notes:
        print(f"note: {note}", file=sys.stderr)
    if made.manifest is None:
        print(f"no bundle: {counted(len(made.refusals), 'reason')}", file=sys.stderr)
        for refusal in made.refusals:
            print(f"{refusal.rule} {refusal.text}", file=sys.stderr)
            if refusal.hint:
                print(f"  {refusal.hint}", file=sys.stderr)
        return ExitCode.FINDINGS
    print(
        f"{output}: {made.manifest.program} {made.manifest.old[:12]} -> {made.manifest.new[:12]}, {made.size:,} bytes\n"
        f"  {counted(made.switched, 'function')} switched, {counted(made.adopted, 'variable')} and "
        f"{counted(made.constants, 'constant')} kept, {counted(made.fresh, 'variable')} new"
    )
    if made.manifest.irreversible:
        print(f"  irreversible (PKX606): {made.manifest.irreversible}")
    return ExitCode.CLEAN


@command.command("inspect")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def inspect(path: Path, as_json: bool) -> int:
    """Show what a bundle is for and what it holds."""
    manifest, sizes = inspect_bundle(path)
    if as_json:
        facts = {
            "program": manifest.program,
            "from": manifest.old,
            "to": manifest.new,
            "sequence": manifest.sequence,
            "expires": manifest.expires,
            "reversible": manifest.reversible,
            "irreversible": manifest.irreversible or None,
            "functions": manifest.functions,
            "members": [{"name": name, "size": size} for name, size in sizes.items()],
        }
        print(json.dumps(facts, indent=1))
        return ExitCode.CLEAN
    print(manifest.text(), end="")
    for name, size in sizes.items():
        print(f"{size:>12,}  {name}")
    return ExitCode.CLEAN


@command.command("verify")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--trusted-keys",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Who may sign: allowed signers.",
)
def verify(path: Path, trusted_keys: Path | None) -> int:
    """Check that a bundle is whole and, with --trusted-keys, who signed it."""
    inspect_bundle(path, trusted_keys)
    print(f"{path} is whole" + (f", and signed by a key in {trusted_keys}" if trusted_keys else ""))
    return ExitCode.CLEAN
