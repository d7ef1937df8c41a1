"""Writing results: to a file at once or not at all, and to standard output plain or coloured."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from patchkit.errors import InputError


def write_result(text: str, path: Path | None) -> None:
    """Write `text` to `path`, or to standard output where it is None; a file is replaced only when all is written.

    Raises InputError where the file cannot be written.
    """
    if text and not text.endswith("\n"):
        text += "\n"
    if path is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        _replace(path, text)
    except OSError as problem:
        raise InputError(f"{path} cannot be written: {problem.strerror or problem}") from problem


def wants_colour(choice: str, environ: Mapping[str, str]) -> bool:
    """Decide whether standard output gets colour: `choice` is auto, always or never. Source: no-color.org."""
    if choice != "auto":
        return choice == "always"
    return sys.stdout.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def _replace(path: Path, text: str) -> None:
    if path.exists() and not path.is_file():  # a device or a pipe is written to, not replaced
        path.write_text(text, encoding="utf-8")
        return
    import tempfile  # dear, and most reports are printed

    target = path.resolve()
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, target.stat().st_mode & 0o7777 if target.exists() else 0o666 & ~_umask())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
