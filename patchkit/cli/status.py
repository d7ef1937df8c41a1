"""`patchkit status`: what one process runs, and the proof of it."""

import dataclasses
import json
import os
from pathlib import Path

import click

from patchkit.errors import ExitCode
from patchkit.processes import builds_known, status


@click.command()
@click.argument("pid", type=int)
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def command(pid: int, as_json: bool) -> int:
    """Show the version that a process runs, its updates, and how many of them each thread has run under."""
    process, said = status(pid)
    if as_json:
        print(json.dumps({"pid": pid, "program": process.program, **dataclasses.asdict(said)}, indent=1))
        return ExitCode.CLEAN
    known = builds_known(Path.cwd(), os.environ)
    print(f"{process.named} runs {known.call(said.version)}, started as {known.call(said.started_as)}; {said.state}")
    for number, update in enumerate(said.updates, 1):
        gone = "" if update.state == "here" else f", {update.state}"
        print(
            f"  update {number}: {known.call(update.old)} -> {known.call(update.new)}, "
            f"{update.functions} functions, {update.pause / 1000:.1f} ms pause{gone}"
        )
    for thread in said.threads:
        print(f"  thread {thread.tid}: {thread.epoch} updates")
    if said.updates:
        print(f"  the last update {'can' if said.reversible else 'cannot'} be taken back: patchkit revert {pid}")
    return ExitCode.CLEAN
