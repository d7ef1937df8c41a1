"""`patchkit ps`: the processes that can be updated."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from patchkit.errors import ExitCode
from patchkit.model.words import counted
from patchkit.processes import Listed, builds_known, list_processes

_COLUMNS = ("PID", "PROGRAM", "VERSION", "UPDATES", "STATE")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def command(as_json: bool) -> int:
    """List every process that holds patchkit's runtime, with the version that it runs.

    Versions are called by the builds recorded here and in the directories below.
    """
    found, hidden = list_processes()
    known = builds_known(Path.cwd(), os.environ)
    if as_json:
        print(json.dumps([_facts(each) for each in found], indent=1))
        return ExitCode.CLEAN
    rows = [_COLUMNS]
    for each in found:
        status = each.status
        rows.append(
            (
                str(each.process.pid),
                each.process.program,
                known.call(status.version) if status is not None else known.call(each.process.build_id),
                str(len(status.updates)) if status is not None else "?",
                status.state if status is not None else each.problem,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if hidden:
        print(f"{counted(hidden, 'process')} of other users could not be looked at", file=sys.stderr)
    return ExitCode.CLEAN


def _facts(each: Listed) -> dict[str, Any]:
    status = each.status
    return {
        "pid": each.process.pid,
        "program": each.process.program,
        "started_as": each.process.build_id,
        "version": status.version if status is not None else None,
        "updates": len(status.updates) if status is not None else None,
        "state": status.state if status is not None else None,
        "problem": each.problem or None,
    }
