"""What became of a recorded version by an edit, kept beside its model so that it is found out once."""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import patchkit
from patchkit.model.codec import program_to_json
from patchkit.model.program import Program
from patchkit.read.edited.edit import Unpatchable
from patchkit.read.edited.patch import apply
from patchkit.read.replacing import replace_file, seal, unseal
from patchkit.read.source.models import EDIT, EDITED, prune_models

_PATCH = 2  # raise it when the same edit becomes another model
_MAKER = f"patchkit.edit {_PATCH} {patchkit.__version__}"

Model = dict[str, Any]  # the JSON form of a program


@dataclass(frozen=True)
class KeptEdit:
    """One edit of a recorded version: `base` is the path of its model, `files` are digests of what edited files hold.

    An edit is kept as what it changes in the model, or as a model of its own.
    """

    base: Path
    files: Mapping[str, str]

    @cached_property
    def _change(self) -> Path:
        digest = hashlib.blake2b(_MAKER.encode(), digest_size=16)
        for path, content in sorted(self.files.items()):
            digest.update(f"{path}\0{content}\n".encode("utf-8", "surrogateescape"))
        return self.base.with_name(f"{self.base.stem}-{digest.hexdigest()}{EDIT}")

    def load(self) -> Model | None:
        """Return the JSON form of the program that is kept, None where there is none that can be used."""
        with contextlib.suppress(OSError, ValueError):
            model: Model = json.loads(unseal(self._change.with_suffix(EDITED).read_bytes(), _MAKER))
            return model
        try:
            change = json.loads(unseal(self._change.read_bytes(), _MAKER))
            lines = {file: {int(old): new for old, new in moved.items()} for file, moved in change["lines"].items()}
            return _applied(self.base_model(), {"functions": change["functions"], "lines": lines})
        except (OSError, ValueError, Unpatchable):
            return None

    def base_model(self) -> Model:
        """Return the JSON form of the recorded version. Raises OSError or ValueError where it is not kept."""
        model: Model = json.loads(self.base.read_bytes())
        os.utime(self.base)  # the newest models are kept
        return model

    def patch(self, model: Model, change: Mapping[str, Any]) -> Model:
        """Return the recorded model, which becomes another by it, with a change, and keep the change."""
        patched = _applied(model, change)
        self._write(self._change, change)
        return patched

    def keep(self, program: Program) -> None:
        """Keep a program as a whole."""
        self._write(self._change.with_suffix(EDITED), program_to_json(program))

    def _write(self, path: Path, data: Mapping[str, Any]) -> None:
        replace_file(path, seal(json.dumps(data, separators=(",", ":")).encode("ascii"), _MAKER))
        prune_models(path.parent)


def _applied(model: Model, change: Mapping[str, Any]) -> Model:
    apply(model, change["functions"], change["lines"])
    return model
