"""A client that dies: `client PID BUNDLE PHASE REHEARSE` asks for an update and is killed when it hears of PHASE.

PHASE is one of the runtime's, `greeted` for before the request, or `moment` for a client that somebody else kills; that
one writes a line when it is about to ask.
"""

import os
import signal
import sys

from patchkit.live.process import find_process
from patchkit.live.updates import Phase, Runtime, Wish


def main() -> None:
    """Ask and die."""
    pid, path, phase, rehearse = sys.argv[1:5]

    def hear(heard: Phase) -> None:
        die(heard.name)

    def die(name: str) -> None:
        if name == phase:
            os.kill(os.getpid(), signal.SIGKILL)

    with open(path, "rb") as file, Runtime(find_process(int(pid))) as runtime:
        print("asks", flush=True)
        die("greeted")
        runtime.apply(file.fileno(), Wish(rehearse=rehearse == "yes"), hear)


if __name__ == "__main__":
    main()
