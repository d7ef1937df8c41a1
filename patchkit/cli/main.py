"""The entry point: what is run, and what becomes of every way in which it can fail.

Imported at every start, `patchkit cc` in a build's inner loop included, so it imports nothing that is dear.
"""

import contextlib
import errno
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn, TextIO, TypeGuard

from patchkit.errors import ExitCode, PatchkitError

BROKEN_PIPE = 128 + signal.SIGPIPE
_WRITE_FAILURES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

Task = Callable[[Sequence[str]], int]


def main() -> NoReturn:
    """Run the command that the process was started with and exit with its code."""
    arguments = sys.argv[1:]
    for stream in (sys.stdout, sys.stderr):
        _tolerate_narrow_encoding(stream)
    os.register_at_fork(after_in_child=_end_quietly_when_interrupted)
    code = guard(run, arguments)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    # Taking a million objects apart one by one takes longer than many a comparison.
    os._exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command in this process and return its exit code; expected failures are raised."""
    if arguments and arguments[0] == "cc":
        from patchkit.cli.cc import run_compiler

        return run_compiler(arguments[1:])
    import click

    from patchkit.cli.root import root

    if "_PATCHKIT_COMPLETE" in os.environ:
        root.main(prog_name="patchkit")
    try:
        with root.make_context("patchkit", list(arguments)) as context:
            result = root.invoke(context)
    except click.exceptions.Exit as request:
        return request.exit_code
    except click.exceptions.NoArgsIsHelpError as problem:
        print(problem.format_message(), file=sys.stderr)
        return ExitCode.USAGE
    except click.ClickException as problem:
        raise PatchkitError(problem.format_message(), hint=_usage_hint(problem)) from problem
    sys.stdout.flush()
    return result if isinstance(result, int) else ExitCode.CLEAN


def guard(task: Task, arguments: Sequence[str]) -> int:
    """Return the exit code of `task(arguments)`, with every failure turned into a message on standard error."""
    try:
        return task(arguments)
    except PatchkitError as problem:
        report_error(problem)
        return problem.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return BROKEN_PIPE
    except Exception as problem:
        if _is_full_output(problem):
            _discard_output()
            report_error(PatchkitError(f"the output cannot be written: {problem.strerror}"))
            return ExitCode.USAGE
        report_internal_error(problem, arguments)
        return ExitCode.INTERNAL


def report_error(problem: PatchkitError) -> None:
    """Say on standard error what is wrong and what to do about it."""
    lines = [f"error: {problem.message}"]
    if problem.hint:
        lines.append(f"hint: {problem.hint}")
    print("\n".join(lines), file=sys.stderr)


def report_internal_error(problem: Exception, arguments: Sequence[str]) -> None:
    """Say in one line that patchkit itself failed, and keep the traceback in a file that the line names."""
    import tempfile
    import traceback

    summary = " ".join("".join(traceback.format_exception_only(problem)).split())
    details = "".join(traceback.format_exception(problem))
    try:
        from patchkit.config import cache_directory

        folder = cache_directory(os.environ) / "failures"
        folder.mkdir(parents=True, exist_ok=True)
        handle, path = tempfile.mkstemp(prefix="failure-", suffix=".txt", dir=folder)
        with open(handle, "w", encoding="utf-8", errors="replace") as file:
            file.write(f"patchkit {' '.join(arguments)}\n\n{details}")
        kept = f"please report it with {path}"
    except (OSError, PatchkitError) as unwritable:
        kept = f"its traceback could not be kept: {unwritable}"
    print(f"internal error: {summary} ({kept})", file=sys.stderr)


def _usage_hint(problem: Exception) -> str:
    context = getattr(problem, "ctx", None)
    return f"see `{context.command_path} --help`" if context is not None else "see `patchkit --help`"


def _is_full_output(problem: Exception) -> TypeGuard[OSError]:
    """Whether writing to an open file failed, which has no file name: a full disk, a terminal that is gone."""
    return isinstance(problem, OSError) and problem.filename is None and problem.errno in _WRITE_FAILURES


def _discard_output() -> None:
    """Point standard output nowhere, so that the interpreter's own flush at exit is quiet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _end_quietly_when_interrupted() -> None:
    """Let an interrupt end a worker process at once: the terminal sends it to all, and one answer is enough."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _tolerate_narrow_encoding(stream: TextIO) -> None:
    """Let a locale that lacks a character print `?` for it rather than fail."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
