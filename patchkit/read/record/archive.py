"""Static libraries: what `ar` was asked to do, and what an archive holds."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ArchiveAction:
    """What `ar` was asked for: `operation` is its letter (r, q, d, m, x, …); `members` are as they were written."""

    operation: str
    archive: str
    members: tuple[str, ...]
    full_names: bool = False  # the modifier P: members keep their directories


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an archive; `data` is empty for one of a thin archive, whose `name` is then a path."""

    name: str
    data: bytes


_OPERATIONS = "dmpqrstx"


def understand_archiver(arguments: Sequence[str]) -> ArchiveAction | None:
    """Return what `ar`, given as `arguments[0]`, was asked for, or None for what it reads from a script."""
    words = list(arguments[1:])
    while words and words[0].startswith(("--", "-X")):
        takes_next = words[0] in ("--plugin", "--target", "--output", "--record-libdeps")
        del words[: 2 if takes_next else 1]
    if len(words) < 2:
        return None
    letters = words.pop(0).lstrip("-")
    operation = next((letter for letter in letters if letter in _OPERATIONS), "")
    positions = sum(letter in "abi" for letter in letters) > 0 and operation in "rm"
    del words[: int(positions) + int("N" in letters)]
    if not operation or not words:
        return None
    return ArchiveAction(operation, words[0], tuple(words[1:]), full_names="P" in letters)


_MAGIC = b"!<arch>\n"
_THIN = b"!<thin>\n"
_HEADER = 60


def read_archive(path: Path) -> list[Member]:
    """Return the members of the System V archive at `path`, also a thin one, none where it is not one.

    Format: ar(5); names longer than 15 bytes stand in the member `//`.
    """
    try:
        data = path.read_bytes()
    except OSError:
        return []
    thin = data.startswith(_THIN)
    if not thin and not data.startswith(_MAGIC):
        return []
    members = []
    names = b""
    position = len(_MAGIC)
    while position + _HEADER <= len(data):
        name = data[position : position + 16].rstrip()
        size = data[position + 48 : position + 58].strip()
        position += _HEADER
        if not size.isdigit():
            break
        special = name in (b"/", b"/SYM64/", b"//")
        content = data[position : position + int(size)] if special or not thin else b""
        if name == b"//":
            names = content
        elif not special:
            members.append(Member(_member_name(name, names), content))
        if special or not thin:
            position += int(size) + int(size) % 2
    return members


def _member_name(name: bytes, names: bytes) -> str:
    if name.startswith(b"/") and name[1:].isdigit():
        name = names[int(name[1:]) :].partition(b"\n")[0]
    return os.fsdecode(name.rstrip(b"/"))
