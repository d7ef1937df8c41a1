"""The events that a runtime leaves in a file, which outlives its process. Source: docs/protocol.md."""

import os
import struct
from pathlib import Path

_HEAD = struct.Struct("<8sQ")
_MAGIC = b"PKRING1\n"
_MOST_BYTES = 1 << 20


def read_ring(path: Path) -> list[tuple[int, str]] | None:
    """Return the events in the file at `path`, nanoseconds of the monotonic clock and a line each; None: no file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        content = file.read(_MOST_BYTES)
    if len(content) <= _HEAD.size or not content.startswith(_MAGIC):
        return None
    _, written = _HEAD.unpack_from(content)
    ring = content[_HEAD.size :]
    turn = written % len(ring)
    text = ring[:written] if written <= len(ring) else (ring[turn:] + ring[:turn]).partition(b"\n")[2]
    events = []
    for line in text.decode(errors="replace").splitlines():
        at, _, words = line.partition(" ")
        if at.isdigit():
            events.append((int(at), "".join(c if c.isprintable() else "?" for c in words)))
    return events


def ring_of_ended(pid: int, directory: str | None) -> list[tuple[int, str]] | None:
    """Return the events of a process of this user that has ended; `directory` is looked at first."""
    user = os.geteuid()
    places = [f"/run/user/{user}/patchkit", f"/tmp/patchkit-{user}"]
    for place in [directory, *places] if directory else places:
        if (found := read_ring(Path(place) / f"{pid}.log")) is not None:
            return found
    return None
