"""One status line on a terminal for work that takes more than half a second; nothing anywhere else."""

import os
import sys
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.live import Live

PATIENCE = 0.5  # seconds before anything is shown
PERIOD = 0.1  # seconds between two drawings


class StatusLine(AbstractContextManager["StatusLine"]):
    """Shows `stage done/total` on `stream` while the block runs, and wipes it at its end.

    Drawn from the callback and never from a thread, because the readers fork. `shown` is whether it is drawn at all.
    """

    def __init__(self, stream: TextIO | None = None, *, patience: float = PATIENCE) -> None:
        self._stream = sys.stderr if stream is None else stream
        self.shown = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._patience = patience
        self._started = self._drawn = time.monotonic()
        self._live: Live | None = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Note how far the work is; `total` is 0 where that is not known."""
        now = time.monotonic()
        if not self.shown or now - self._started < self._patience or (self._live and now - self._drawn < PERIOD):
            return
        self._drawn = now
        self._draw(f"{stage} {done}/{total}" if total else stage)

    def say(self, message: str) -> None:
        """Write a line of narration that stays."""
        self._wipe()
        print(message, file=self._stream)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._wipe()

    def _draw(self, text: str) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        if self._live is None:
            console = Console(file=self._stream)
            self._live = Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False)
            self._live.start()
        self._live.update(Text(text, style="dim", no_wrap=True, overflow="ellipsis"), refresh=True)

    def _wipe(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
