"""`patchkit attach`: bring the runtime into a process that was started without it."""

import os
from pathlib import Path

import click

from patchkit.errors import ExitCode
from patchkit.processes import attach, builds_known


@click.command()
@click.argument("pid", type=int)
@click.option(
    "--build",
    "builds",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    multiple=True,
    metavar="DIR",
    help="Where the build that it runs was recorded; may be repeated. Looked at as well: the current directory.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.001),
    default=10.0,
    metavar="SECONDS",
    help="How long to look for a thread that can be borrowed; default: 10.",
)
def command(pid: int, builds: tuple[Path, ...], timeout: float) -> int:
    """Bring patchkit's runtime into a running process, so that it can be updated.

    One of its threads is held for about a millisecond; nothing of the program is called. The process goes on as before,
    whatever becomes of this command. A second time is success and changes nothing.

    \b
    Exit codes:
      0   the process holds the runtime
      2   it does not, and goes on as before; the message says why
    """
    known = builds_known(Path.cwd(), os.environ, builds)
    done = attach(pid, known, timeout, os.environ)
    if done.was_there:
        print(f"{done.process.named} holds the runtime already; nothing was changed")
        return ExitCode.CLEAN
    what = known.call(done.process.build_id)
    print(f"{done.process.named} holds the runtime now and runs {what}: one thread stood still for {done.still:.1f} ms")
    return ExitCode.CLEAN
