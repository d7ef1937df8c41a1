"""Read two versions at once in two processes that share the work on what both have."""

import json
import multiprocessing
import pickle
from multiprocessing.connection import Connection
from pathlib import Path

from patchkit.errors import PatchkitError, ToolError
from patchkit.model.codec import program_from_json
from patchkit.model.program import Program
from patchkit.read.collector import without_collector
from patchkit.read.source.fragment import Fragment
from patchkit.read.source.models import keep_model, model_path
from patchkit.read.source.request import Progress, Request, chosen_units
from patchkit.read.source.version import read_version


class _Pipe:
    """The partner at the other end of a pipe. Side 0 sends first, so that neither waits for a full pipe for ever."""

    def __init__(self, connection: Connection, side: int) -> None:
        self._connection = connection
        self.side = side

    def exchange(self, fragments: dict[str, Fragment]) -> dict[str, Fragment]:
        """Give this side's fragments, return the other's; none where the other side has failed."""
        mine = pickle.dumps(fragments, pickle.HIGHEST_PROTOCOL)
        try:
            if self.side == 0:
                self._connection.send_bytes(mine)
                theirs = self._connection.recv_bytes()
            else:
                theirs = self._connection.recv_bytes()
                self._connection.send_bytes(mine)
        except (EOFError, OSError):
            return {}
        found: dict[str, Fragment] = pickle.loads(theirs)
        return found


def read_both(old: Request, new: Request, progress: Progress | None) -> tuple[Program, Program]:
    """Read both versions, the new one in a process of its own, and keep their models."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    worker = context.Process(target=_work, args=(new, there, here), daemon=True)
    worker.start()
    there.close()
    with without_collector():
        try:
            first, names = read_version(old, progress, _Pipe(here, 0))
            keep_model(_path(old), first, names)
            second = _receive(here, new)
        finally:
            here.close()
            worker.join()
    return first, second


def _receive(connection: Connection, request: Request) -> Program:
    try:
        answer = connection.recv_bytes()
    except (EOFError, OSError):
        raise ToolError(
            f"the process that read {request.label} ended without an answer",
            hint="if memory is short, try --jobs 1, which reads one version after the other",
        ) from None
    if answer[:1] == b"E":
        error = pickle.loads(answer[1:])
        raise error
    return program_from_json(json.loads(answer[1:]))


def _path(request: Request) -> Path:
    return model_path(request.recording, chosen_units(request.recording, request.program))


def _work(request: Request, connection: Connection, other_end: Connection) -> None:
    other_end.close()
    try:
        with without_collector():
            program, names = read_version(request, None, _Pipe(connection, 1))
            connection.send_bytes(b"P" + keep_model(_path(request), program, names))
    except PatchkitError as error:
        connection.send_bytes(b"E" + pickle.dumps(error))
    except BrokenPipeError:
        return  # the other side failed first and says so itself
