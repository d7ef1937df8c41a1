"""What a bundle says of itself, for people; the runtime checks it for real. Source: docs/protocol.md."""

from dataclasses import dataclass
from pathlib import Path

from patchkit.errors import InputError

_BLOCK = 512  # of the archive
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """The program, and build-ids in hexadecimal."""

    program: str
    old: str
    new: str


def read_manifest(path: Path, descriptor: int) -> Manifest:
    """Return the manifest of the bundle open at `descriptor`, whose position stays; `path` is its name for people.

    Raises InputError where it is no bundle.
    """
    import os

    try:
        header = os.pread(descriptor, _BLOCK, 0)
        if header[:100].rstrip(b"\0") != b"manifest" or header[257:262] != b"ustar":
            raise _no_bundle(path)
        size = int(header[124:136].rstrip(b"\0 "), 8)
        text = os.pread(descriptor, min(size, _MOST_BYTES), _BLOCK).decode()
    except ValueError as problem:
        raise _no_bundle(path) from problem
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {problem.strerror}") from problem
    first, *lines = text.splitlines() or [""]
    if not first.startswith("patchkit-bundle "):
        raise _no_bundle(path)
    fields = {key: value.strip() for key, _, value in (line.partition(" ") for line in lines)}
    return Manifest(fields.get("program", ""), fields.get("from", ""), fields.get("to", ""))


def _no_bundle(path: Path) -> InputError:
    return InputError(f"{path} is not a bundle", hint="name a file that patchkit made for an update: NAME.pkb")
