"""What a command hands to the facade: where it runs, how many processes it may use, and its status line."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from patchkit.cli.progress import StatusLine
from patchkit.workspace import Surroundings


@contextmanager
def surroundings(jobs: int | None = None) -> Iterator[Surroundings]:
    """Give the surroundings of this process, with a status line for as long as the block runs."""
    with StatusLine() as status:
        yield Surroundings(
            directory=Path.cwd(),
            environ=os.environ,
            jobs=jobs or len(os.sched_getaffinity(0)),
            progress=status,
            notice=status.say,
        )
