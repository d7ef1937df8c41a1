"""Models of recordings that were read before, kept beside the texts that they were read from.

A model's name is a digest of all that it follows from: this release's way of reading, the commands and the texts. So
a model is never stale; what is damaged or unreadable is read again from the texts.
"""

import contextlib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import patchkit
from patchkit.errors import InputError
from patchkit.model.build import Recording
from patchkit.model.codec import FORMAT, program_from_json, program_to_json
from patchkit.model.program import Program
from patchkit.read.replacing import replace_file, seal, unseal

_READER = 5  # raise it when the same text is read into another model
_MAKER = f"patchkit.names {_READER} {patchkit.__version__}"
_FOLDER = "models"
_NAMES = ".names"
EDIT = ".edit"  # what an edit changes in the model whose name its own begins with
EDITED = ".edited"  # what an edit makes of that model, as a model of its own
_KEPT = 4
_KEPT_EDITS = 40


@dataclass(frozen=True, slots=True)
class Names:
    """The names that words of function bodies are looked up in.

    `known` are all names with file scope, `variables` those of variables, `addressed` those of functions and arrays,
    whose bare name is their address.
    """

    known: frozenset[str]
    variables: frozenset[str]
    addressed: frozenset[str]


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
        return program_from_json(json.loads(path.read_bytes()), label=label)
    except (OSError, ValueError, InputError):
        return None


def keep_model(path: Path, program: Program, names: Names) -> bytes:
    """Keep a model with its names, and the newest few before it; return the model as it is written.

    A store that cannot be written to is left alone.
    """
    data = json.dumps(program_to_json(program), separators=(",", ":")).encode("ascii")
    listed = json.dumps([sorted(names.known), sorted(names.variables), sorted(names.addressed)], separators=(",", ":"))
    replace_file(path.with_suffix(_NAMES), seal(listed.encode("ascii"), _MAKER))
    if replace_file(path, data):
        prune_models(path.parent)
    return data


def find_names(path: Path) -> Names | None:
    """Return the names that belong to the model at `path`, None where they are not kept."""
    try:
        known, variables, addressed = json.loads(unseal(path.with_suffix(_NAMES).read_bytes(), _MAKER))
        return Names(frozenset(known), frozenset(variables), frozenset(addressed))
    except (OSError, ValueError, TypeError):
        return None


def prune_models(folder: Path) -> None:
    """Remove all but the newest models, with what belongs to them, and all but the newest edits."""
    with contextlib.suppress(OSError):
        for edit in (*_newest_first(folder, EDIT)[_KEPT_EDITS:], *_newest_first(folder, EDITED)[_KEPT:]):
            edit.unlink(missing_ok=True)
        for model in _newest_first(folder, ".json")[_KEPT:]:
            model.unlink(missing_ok=True)
            for beside in folder.glob(f"{model.stem}*"):
                beside.unlink(missing_ok=True)


def _newest_first(folder: Path, suffix: str) -> list[Path]:
    return sorted(folder.glob(f"*{suffix}"), key=lambda path: path.stat().st_mtime, reverse=True)
