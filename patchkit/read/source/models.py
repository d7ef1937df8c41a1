"""Models of recordings that were read before, kept beside the texts that they were read from.

A model's name is a digest of all that it follows from: this release's way of reading, the commands and the texts. So
a model is never stale; what is damaged or unreadable is read again from the texts.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

import patchkit
from patchkit.errors import InputError
from patchkit.model.build import Recording
from patchkit.model.codec import FORMAT, program_from_json, program_to_json
from patchkit.model.program import Program

_READER = 3  # raise it when the same text is read into another model
_FOLDER = "models"
_KEPT = 4


def model_path(recording: Recording, indices: Sequence[int]) -> Path:
    """Return where the model of these units of a recording is kept."""
    digest = hashlib.blake2b(f"{FORMAT} {_READER} {patchkit.__version__} {recording.root}".encode(), digest_size=16)
    for index in indices:
        unit = recording.units[index]
        words = (unit.text, unit.problem, unit.command.source, unit.command.directory, *unit.command.arguments)
        digest.update("\0".join(words).encode("utf-8", "surrogateescape") + b"\n")
    return Path(recording.store) / _FOLDER / f"{digest.hexdigest()}.json"


def find_model(path: Path, label: str) -> Program | None:
    """Return the model at `path`, None where there is none that can be used."""
    try:
        data = json.loads(path.read_bytes())
        return program_from_json(data, label=label)
    except (OSError, ValueError, InputError):
        return None


def keep_model(path: Path, program: Program) -> None:
    """Keep a model, and the newest few before it. A store that cannot be written to is left alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}")
        partial.write_text(json.dumps(program_to_json(program), separators=(",", ":")), encoding="ascii")
        partial.replace(path)
        models = sorted(path.parent.glob("*.json"), key=lambda model: model.stat().st_mtime, reverse=True)
        for model in models[_KEPT:]:
            model.unlink()
    except OSError:
        return
