"""The errors a user can meet, sorted by what the user can do about them.

Findings about a program are data (`patchkit.model.change`), never exceptions.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every command; they are part of the interface."""

    CLEAN = 0
    FINDINGS = 1
    REFUSED = 1  # by a running process, which goes on as before
    USAGE = 2
    INCOMPLETE = 3
    INTERNAL = 70
    INTERRUPTED = 130


class PatchkitError(Exception):
    """Root of all expected failures: a message that says what is wrong and a hint that says what to do."""

    exit_code: ExitCode = ExitCode.USAGE

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(PatchkitError):
    """A file, directory, revision or process that was named cannot be used as what it was named for."""


class ConfigError(PatchkitError):
    """A configuration file is wrong."""


class BuildError(PatchkitError):
    """The user's own build failed, or left nothing that could be read."""


class ToolError(PatchkitError):
    """A program that patchkit needs (compiler, git, make) is missing or failed."""


class IncompleteError(PatchkitError):
    """The input was read only in part, so no answer about it can be a pass."""

    exit_code = ExitCode.INCOMPLETE
