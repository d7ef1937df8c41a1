"""The executables that a build linked, kept as they were linked: later ones may be stripped, moved or cleaned away.

A copy is named by the digest of its content. `programs/index.json` says which copy stands for which program, and what
each source behind it held when it was linked.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from patchkit.model.build import Recording
from patchkit.read.record.store import write_atomically

_FORMAT = 1
_INDEX = "index.json"


@dataclass(frozen=True, slots=True)
class KeptProgram:
    """A program as it was linked: its copy, and the digest of every file that its compilers read."""

    path: Path
    sources: Mapping[str, str]


def keep_programs(recording: Recording) -> None:
    """Copy the programs of `recording` into its store, and drop the copies that stand for no program of it."""
    place = Path(recording.store) / "programs"
    place.mkdir(exist_ok=True)
    entries: dict[str, dict[str, object]] = {}
    for program in recording.programs:
        digest = _keep(Path(program.output), place)
        if digest:
            entries[program.output] = {"copy": digest, "sources": dict(recording.digests or {})}
    write_atomically(place / _INDEX, json.dumps({"format": _FORMAT, "programs": entries}, separators=(",", ":")))
    used = {_INDEX, *(str(entry["copy"]) for entry in entries.values())}
    for path in place.iterdir():
        if path.name not in used:
            path.unlink(missing_ok=True)


def kept_program(recording: Recording, output: str) -> KeptProgram | None:
    """Return the copy of the program that was linked to the path `output`, None where none was kept."""
    place = Path(recording.store) / "programs"
    try:
        data = json.loads((place / _INDEX).read_bytes())
        entry = data["programs"][output] if data["format"] == _FORMAT else None
        if entry is None or not (place / entry["copy"]).is_file():
            return None
        return KeptProgram(place / entry["copy"], entry["sources"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(program: Path, place: Path) -> str:
    """Return the name of the copy of `program` in `place`, empty where it cannot be read."""
    partial = place / f"{os.getpid()}.part"
    try:
        shutil.copyfile(program, partial)
        with partial.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
        partial.replace(place / digest)
    except OSError:
        partial.unlink(missing_ok=True)
        return ""
    return digest
