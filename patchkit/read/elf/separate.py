"""Debug information that was split off into files of its own.

Sources: the GDB manual, "Debugging Information in Separate Files"; dwz(1) for supplementary files.
"""

import os
import zlib
from pathlib import Path

from patchkit.errors import InputError
from patchkit.read.elf.image import Image, read_image

DEBUG_ROOT = Path("/usr/lib/debug")
_CHUNK = 1 << 20


def find_debug_file(image: Image, debug_root: Path = DEBUG_ROOT) -> Image | None:
    """Return the file with the debug information of `image`, None where there is none.

    Files are looked for by build-id below `debug_root`, then by the name in .gnu_debuglink beside the file, in `.debug`
    there, and below `debug_root`. A file that was made for another build does not count.
    """
    if len(image.build_id) > 2:
        path = debug_root / ".build-id" / image.build_id[:2] / f"{image.build_id[2:]}.debug"
        found = _readable(path, image)
        if found is not None and found.build_id == image.build_id:
            return found
    if image.debug_link is None:
        return None
    name, checksum = image.debug_link
    if not name or os.path.basename(name) != name:
        return None
    directory = image.path.resolve().parent
    for place in (directory, directory / ".debug", debug_root / str(directory).lstrip("/")):
        path = place / name
        if path.is_file() and path.resolve() != image.path.resolve() and _checksum(path) == checksum:
            found = _readable(path, image)
            if found is not None:
                return found
    return None


def find_alternate(image: Image, debug_root: Path = DEBUG_ROOT) -> Image:
    """Return the supplementary file that `image` shares entries with. Raises InputError where it is missing."""
    assert image.alternate_link is not None
    name, identity = image.alternate_link
    places = [image.path.resolve().parent / name]
    if len(identity) > 2:
        places.append(debug_root / ".build-id" / identity[:2] / f"{identity[2:]}.debug")
    for path in places:
        if path.is_file():
            found = read_image(path)
            if found.build_id == identity:
                return found
    raise InputError(
        f"{image.path} shares debug information with {name}, which is missing or of another build",
        hint="install the whole debug package, or name a build that was not put through dwz",
    )


def _readable(path: Path, image: Image) -> Image | None:
    if not path.is_file():
        return None
    found = read_image(path)
    if (found.machine, found.bits, found.little) != (image.machine, image.bits, image.little):
        raise InputError(
            f"{path} is for {found.machine} ({found.bits} bits), {image.path} for {image.machine} ({image.bits} bits)",
            hint=f"remove {path}, or name the file that belongs to it",
        )
    return found if "info" in found.sections else None


def _checksum(path: Path) -> int:
    value = 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                value = zlib.crc32(chunk, value)
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {problem.strerror}") from problem
    return value
